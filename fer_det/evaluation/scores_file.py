"""scores.json: a report's figures and the answer for each face, written and read again."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fer_det.errors import ScoresError, ScoresNotFoundError
from fer_det.evaluation.answers import FaceRecord
from fer_det.evaluation.intervals import LEVEL
from fer_det.evaluation.recognition import Recognition
from fer_det.io.files import write_text

if TYPE_CHECKING:
    from fer_det.evaluation.evaluate import EvaluationReport, RuleScores

SCORES = "scores.json"

_REMEDY = "score the checkpoint with tools/eval_rafdb.py"


def write_scores(path: Path, scores: Mapping[str, Any]) -> None:
    """Write what `plain_scores` gave, one line a face."""
    figures = {name: value for name, value in scores.items() if name != "faces"}
    faces = ",\n".join(json.dumps(face) for face in scores["faces"])
    text = json.dumps(figures, indent=1).removesuffix("\n}")
    write_text(path, f'{text},\n "faces": [\n{faces}\n ]\n}}\n')


def read_scores(path: Path) -> tuple[dict[str, Any], tuple[FaceRecord, ...]]:
    """The figures and the faces of a scores.json; ScoresNotFoundError and ScoresError."""
    wanted = "a scores.json of tools/eval_rafdb.py, with the answer for each face"
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ScoresNotFoundError(f"{path} is absent", wanted, _REMEDY) from error
    except OSError as error:
        raise ScoresError(f"{path} cannot be read ({error.strerror})", wanted, _REMEDY) from error
    except ValueError as error:
        raise ScoresError(f"{path} is no JSON", wanted, _REMEDY) from error
    if not isinstance(scores, dict) or not {"primary", "classes", "protocol"} <= scores.keys():
        raise ScoresError(f"{path} holds something else", wanted, _REMEDY)
    if "faces" not in scores:
        raise ScoresError(
            f"{path} was written before scores had faces", wanted, "score the checkpoint again"
        )
    try:
        faces = tuple(FaceRecord.from_json(face) for face in scores["faces"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ScoresError(f"{path} has faces that are not whole", wanted, _REMEDY) from error
    return scores, faces


def plain_scores(report: EvaluationReport) -> dict[str, Any]:
    """The whole report as plain values that any JSON reader takes; what is NaN becomes None."""
    scores = {
        "top1": _rule_to_json(report, report.top1),
        "matched": _rule_to_json(report, report.matched),
        "gt_box": _rule_to_json(report, report.gt_box),
        "ap": _ap_to_json(report),
        "n": report.n,
        "n_by_class": dict(report.n_by_class),
        "listed_by_class": report.listed_by_class and dict(report.listed_by_class),
        "pictures": report.pictures,
        "primary": report.primary,
        "classes": list(report.classes),
        "subsets": {name: list(labels) for name, labels in report.subsets.items()},
        "confusion_columns": [*report.classes, "none"],
        "bootstrap": {"level": LEVEL, "resamples": report.resamples, "seed": report.seed},
        "protocol": report.protocol.to_json(),
        "faces": [face.to_json() for face in report.faces],
    }
    plain: dict[str, Any] = _without_nan(scores)
    return plain


def _ap_to_json(report: EvaluationReport) -> dict[str, Any] | None:
    if report.ap is None:
        return None
    by_class = zip(report.ap.ap50_by_class, report.ap.ap_by_class, strict=True)
    return {
        "ap50": report.ap.ap50,
        "ap": report.ap.ap,
        "by_class": {
            label: {"ap50": float(ap50), "ap": float(ap)}
            for label, (ap50, ap) in zip(report.classes, by_class, strict=True)
        },
        "precision50": {
            label: [round(float(value), 5) for value in report.ap.precision50[:, row]]
            for row, label in enumerate(report.classes)
        },
    }


def _rule_to_json(report: EvaluationReport, rule: RuleScores | None) -> dict[str, Any] | None:
    if rule is None:
        return None
    return {
        **_recognition_to_json(rule.scores, report.classes, float),
        "accuracy_all_listed": rule.accuracy_all_listed,
        "mean_recall_all_listed": rule.mean_recall_all_listed,
        "calibration": rule.calibration.to_json(),
        "confusion": rule.confusion.tolist(),
        "intervals": _recognition_to_json(rule.intervals, report.classes, _ends),
    }


def _recognition_to_json(
    values: Recognition, classes: Sequence[str], plain: Callable[[Any], Any]
) -> dict[str, Any]:
    """plain turns one measure's figures, [] or [2], into plain values."""
    return {
        "accuracy": plain(values.accuracy),
        "mean_recall": plain(values.mean_recall),
        "recall": {label: plain(values.recall[..., row]) for row, label in enumerate(classes)},
        "macro_f1": plain(values.macro_f1),
        "miss_rate": plain(values.miss_rate),
        "subset_mean_recall": {
            name: plain(figures) for name, figures in values.subset_mean_recall.items()
        },
    }


def _ends(interval: NDArray[np.float64]) -> list[float] | None:
    return None if np.isnan(interval).any() else [float(end) for end in interval]


def _without_nan(value: Any) -> Any:
    """The same nest of dicts and lists with None for NaN, which JSON has no word for."""
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value
