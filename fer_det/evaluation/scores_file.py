"""scores.json: all figures of an evaluation, and the predictions for each face."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.errors import OutputError, ScoresError, ScoresNotFoundError
from fer_det.evaluation.evaluate import Evaluation, RuleScores
from fer_det.evaluation.predictions import RULES, ScoredFace
from fer_det.evaluation.protocol import Protocol
from fer_det.evaluation.recognition import LEVEL, Recognition
from fer_det.io.files import write_text

SCORES = "scores.json"
MASKED_SCORES = "scores_masked.json"
"""Of the same faces with drawn masks."""

_KEYS = {"primary", "classes", "protocol", "n", "n_by_class", *RULES}
_REMEDY = "score the checkpoint with: fer-det eval"


def write_scores(path: Path, scores: Mapping[str, Any]) -> None:
    """Write what `scores_to_json` returned, with one line for each face."""
    figures = {name: value for name, value in scores.items() if name != "faces"}
    faces = ",\n".join(json.dumps(face) for face in scores["faces"])
    text = json.dumps(figures, indent=1).removesuffix("\n}")
    write_text(path, f'{text},\n "faces": [\n{faces}\n ]\n}}\n')


def refuse_other_scores(path: Path, protocol: Protocol) -> None:
    """Raise OutputError where `path` holds scores of other faces or views, or no scores.

    Those of the same are replaced, as when a better checkpoint is scored.
    """
    if not path.exists():
        return
    own = _scored_faces(protocol.to_json())
    try:
        held = _scored_faces(read_scores(path)[0]["protocol"])
    except (ScoresError, KeyError, TypeError):
        held = "something else than scores"
    if held != own:
        raise OutputError(
            f"{path} holds {held}",
            f"a new file, or {own}",
            "choose another --out, or give --overwrite to replace it",
        )


def _scored_faces(protocol: Mapping[str, Any]) -> str:
    """Say which faces were scored, and how they were seen, where not each by itself."""
    text = f"scores on the split {protocol['split']} of {protocol['dataset']}"
    changes = {"label_map": "none", "views": "one", "face_size": None, "copies_left_out": False}
    values = ((name, protocol.get(name, usual), usual) for name, usual in changes.items())
    return text + "".join(f", {name} {value}" for name, value, usual in values if value != usual)


def read_scores(path: Path) -> tuple[dict[str, Any], tuple[ScoredFace, ...]]:
    """Read a scores.json -> its figures, and its faces.

    Raises ScoresNotFoundError where the file is absent, and ScoresError where it is no scores.json.
    """
    wanted = "a scores.json of fer-det eval, with the predictions for each face"
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ScoresNotFoundError(f"{path} is absent", wanted, _REMEDY) from error
    except OSError as error:
        raise ScoresError(f"{path} cannot be read ({error.strerror})", wanted, _REMEDY) from error
    except (ValueError, RecursionError) as error:
        raise ScoresError(f"{path} is not JSON", wanted, _REMEDY) from error
    if not isinstance(scores, dict) or not scores.keys() >= _KEYS:
        raise ScoresError(f"{path} is JSON, but not a scores.json", wanted, _REMEDY)
    if "faces" not in scores:
        raise ScoresError(
            f"{path} is of an old version and has no faces", wanted, "score the checkpoint again"
        )
    try:
        faces = tuple(ScoredFace.from_json(face) for face in scores["faces"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ScoresError(f"{path} has incomplete faces", wanted, _REMEDY) from error
    rules = {rule for rule in RULES if scores[rule] is not None}
    for face in faces:
        labels = {face.label, *(each.label for each in face.predictions.values() if each)}
        if not labels <= set(scores["classes"]) or face.predictions.keys() != rules:
            raise ScoresError(
                f"{path} has a face of {face.image_id} with other classes or rules than its scores",
                wanted,
                _REMEDY,
            )
    return scores, faces


def scores_to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return the whole evaluation as plain values for any JSON reader; NaN becomes None."""
    listed = evaluation.listed_by_class
    scores = {
        **{
            rule: _rule_to_json(evaluation.rules[rule], evaluation.classes)
            if rule in evaluation.rules
            else None
            for rule in RULES
        },
        "ap": _ap_to_json(evaluation),
        "n": evaluation.n,
        "n_by_class": dict(evaluation.n_by_class),
        "listed_by_class": None if listed is None else dict(listed),
        "pictures": evaluation.pictures,
        "primary": evaluation.primary,
        "classes": list(evaluation.classes),
        "subsets": {name: list(labels) for name, labels in evaluation.subsets.items()},
        "confusion_columns": [*evaluation.classes, "none"],
        "bootstrap": {"level": LEVEL, "resamples": evaluation.resamples, "seed": evaluation.seed},
        "protocol": evaluation.protocol.to_json(),
        "faces": [face.to_json() for face in evaluation.faces],
    }
    plain: dict[str, Any] = _replace_nan(scores)
    return plain


def _ap_to_json(evaluation: Evaluation) -> dict[str, Any] | None:
    ap = evaluation.ap
    if ap is None:
        return None
    by_class = zip(evaluation.classes, ap.ap50_by_class, ap.ap_by_class, strict=True)
    return {
        "ap50": ap.ap50,
        "ap": ap.ap,
        "by_class": {
            label: {"ap50": float(ap50), "ap": float(each)} for label, ap50, each in by_class
        },
        "precision50": {
            label: [round(float(value), 5) for value in ap.precision50[:, row]]
            for row, label in enumerate(evaluation.classes)
        },
    }


def _rule_to_json(rule: RuleScores, classes: Sequence[str]) -> dict[str, Any]:
    return {
        **_recognition_to_json(rule.scores, classes, float),
        "accuracy_all_listed": rule.accuracy_all_listed,
        "mean_recall_all_listed": rule.mean_recall_all_listed,
        "calibration": rule.calibration.to_json(),
        "confusion": rule.confusion.tolist(),
        "intervals": _recognition_to_json(rule.intervals, classes, _ends),
    }


def _recognition_to_json(
    values: Recognition, classes: Sequence[str], convert: Callable[[Any], Any]
) -> dict[str, Any]:
    """convert: from the figures of one measure, [] or [2], to plain values."""
    return {
        "accuracy": convert(values.accuracy),
        "mean_recall": convert(values.mean_recall),
        "recall": {label: convert(values.recall[..., row]) for row, label in enumerate(classes)},
        "macro_f1": convert(values.macro_f1),
        "miss_rate": convert(values.miss_rate),
        "subset_mean_recall": {
            name: convert(figures) for name, figures in values.subset_mean_recall.items()
        },
    }


def _ends(interval: NDArray[np.float64]) -> list[float] | None:
    return None if np.isnan(interval).any() else [float(end) for end in interval]


def _replace_nan(value: Any) -> Any:
    """Return nested dicts and lists with None for NaN, which is no JSON."""
    if isinstance(value, dict):
        return {key: _replace_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replace_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
