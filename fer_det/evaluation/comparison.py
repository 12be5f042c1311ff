"""Compare runs that were scored on the same faces, each with the first.

All runs predicted the same faces, so the tests are paired. Accuracy: McNemar's exact test uses the
faces that only one of two runs predicts correctly (McNemar, "Note on the sampling error of the
difference between correlated proportions or percentages", Psychometrika 12, 1947). Differences of
accuracy, mean recall and recall: a bootstrap that samples the same pictures for both runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.core.sample import MADE_CAUTION, names_made_faces
from fer_det.errors import ScoresError
from fer_det.evaluation.predictions import ScoredFace, confusion_of_faces
from fer_det.evaluation.recognition import (
    FEW_FACES,
    faces_by_class,
    measure,
    percentile_interval,
    resample_counts,
)
from fer_det.evaluation.scores_file import read_scores

MEASURES = {"accuracy": "accuracy", "mean_recall": "mean recall", "macro_f1": "macro-F1"}
CONDITIONS = {
    "input_size": None,
    "box_source": None,
    "image_variant": None,
    "checkpoint_rule": None,
    "boxes_given": None,
    "views": "one",
    "face_size": None,
    "masked": False,
    "label_map": "none",
}
"""Parts of the scoring protocol in which runs on the same faces may differ -> value in older files,
which lack some."""


@dataclass(frozen=True)
class Difference:
    """A measure of the second run minus that of the first."""

    value: float
    interval: tuple[float, float] | None
    """Lower and upper end of its 95 % interval; None where no resample has faces of the class."""


@dataclass(frozen=True)
class PairedDifference:
    """A second run compared with a first one."""

    only_first: int
    """Faces that the first run predicts correctly and the second does not."""
    only_second: int
    """Faces that the second run predicts correctly and the first does not."""
    p_value: float
    """Two-sided p-value of McNemar's exact test."""
    accuracy: Difference
    mean_recall: Difference
    recall: Mapping[str, Difference | None]
    """By class; None for a class without faces."""

    def by_measure(self) -> dict[str, Difference]:
        """Return all differences by the name of their measure."""
        recalls = {f"recall {label}": each for label, each in self.recall.items() if each}
        return {"accuracy": self.accuracy, "mean recall": self.mean_recall, **recalls}


@dataclass(frozen=True)
class Comparison:
    """Two or more runs on the same faces."""

    names: tuple[str, ...]
    """Paths of their scores.json."""
    scores: tuple[Mapping[str, Any], ...]
    rule: str
    """The rule by which all are compared."""
    with_first: tuple[PairedDifference, ...]
    """Every run but the first, compared with the first."""
    resamples: int

    @property
    def dataset(self) -> str:
        """Data set and split: 'rafdb, test'."""
        protocol = self.scores[0]["protocol"]
        return f"{protocol['dataset']}, {protocol['split']}"

    @property
    def caution(self) -> str:
        """Warning for scores on made faces; empty for others."""
        return MADE_CAUTION if names_made_faces(self.dataset) else ""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, the same in all runs."""
        return tuple(self.scores[0]["classes"])

    def few_faces(self) -> str:
        """Return the classes whose intervals are too narrow: 'fear (4), anger (12)'."""
        counts = self.scores[0]["n_by_class"].items()
        return ", ".join(f"{label} ({n})" for label, n in counts if 0 < n < FEW_FACES)

    def differing_conditions(self) -> dict[str, tuple[str, ...]]:
        """Return the CONDITIONS that are not the same in all runs, name -> value of each run."""
        return differing_conditions([each["protocol"] for each in self.scores])


def differing_conditions(
    protocols: Sequence[Mapping[str, Any]],
) -> dict[str, tuple[str, ...]]:
    """Return the CONDITIONS that are not the same in all protocols, name -> value of each."""
    found = {
        name: tuple(str(each.get(name, older)) for each in protocols)
        for name, older in CONDITIONS.items()
    }
    return {name: values for name, values in found.items() if len(set(values)) > 1}


def compare_files(paths: Sequence[Path], rule: str, resamples: int) -> Comparison:
    """Read two or more scores.json and compare them.

    rule: "auto" for the primary rule of a run by which all were scored. Raises ScoresNotFoundError,
    and ScoresError for files that cannot be read or are of other faces, classes or rules.
    """
    names = tuple(map(str, paths))
    read = [read_scores(path) for path in paths]
    scores = tuple(figures for figures, _ in read)
    # A list and not a dict, since the same file may be named twice.
    check_same_faces([(name, faces) for name, (_, faces) in zip(names, read, strict=True)])
    classes = scores[0]["classes"]
    if any(each["classes"] != classes for each in scores):
        raise ScoresError(
            "runs with different classes",
            "the same classes in the same order",
            "compare other runs",
        )
    chosen = _common_rule(scores, rule)
    first, *others = (faces for _, faces in read)
    differences = tuple(compare_faces(first, faces, chosen, classes, resamples) for faces in others)
    return Comparison(names, scores, chosen, differences, resamples)


def check_same_faces(runs: Sequence[tuple[str, Sequence[ScoredFace]]]) -> None:
    """Raise ScoresError unless all runs, (name, faces), have the same labelled faces."""
    (first_name, first), *others = runs
    ours = _labels(first)
    for name, faces in others:
        theirs = _labels(faces)
        if ours == theirs:
            continue
        (image_id, index), _ = min(ours.items() ^ theirs.items())
        if (image_id, index) in ours.keys() & theirs.keys():
            difference = (
                f"labelled {ours[image_id, index]} there and {theirs[image_id, index]} here"
            )
        else:
            difference = f"only in {first_name if (image_id, index) in ours else name}"
        raise ScoresError(
            f"{name} has other faces than {first_name}: {len(theirs)} and {len(ours)}, and "
            f"{image_id} is {difference}",
            "scores of the same labelled faces",
            "score both checkpoints on the same VOC folder and split",
        )


def compare_faces(
    first: Sequence[ScoredFace],
    second: Sequence[ScoredFace],
    rule: str,
    classes: Sequence[str],
    resamples: int,
    seed: int = 0,
    second_rule: str | None = None,
) -> PairedDifference:
    """Compare two runs by one rule; the same faces (see `check_same_faces`) in any order.

    second_rule: the rule of the second run where it is another one.
    """
    rules = (rule, second_rule or rule)
    by_face = {(face.image_id, face.index): face for face in second}
    second = [by_face[face.image_id, face.index] for face in first]
    runs = tuple(zip((first, second), rules, strict=True))
    correct = np.array([[face.is_correct(of_run) for face in run] for run, of_run in runs])
    only_first = int((correct[0] & ~correct[1]).sum())
    only_second = int((correct[1] & ~correct[0]).sum())
    # [P, 2, C, C + 1]: one row has both runs, so that each resample has the same pictures for both.
    counts = np.stack([confusion_of_faces(run, of_run, classes) for run, of_run in runs], axis=1)
    whole = counts.sum(axis=0)
    resampled = resample_counts(counts.reshape(len(counts), whole.size), resamples, seed)
    present = faces_by_class(whole[0]) > 0
    scores = measure(whole, present, {})
    in_resamples = measure(resampled.reshape(-1, *whole.shape), present, {})
    return PairedDifference(
        only_first,
        only_second,
        mcnemar_exact(only_first, only_second),
        _difference(scores.accuracy, in_resamples.accuracy),
        _difference(scores.mean_recall, in_resamples.mean_recall),
        {
            label: _difference(scores.recall[:, row], in_resamples.recall[..., row])
            if present[row]
            else None
            for row, label in enumerate(classes)
        },
    )


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value of McNemar's exact test; 1 where the runs do not differ.

    The arguments count the faces that only the first, and only the second run predicts correctly.
    Without a difference between the runs each such face is equally likely of either kind.
    """
    # Imported here since it takes most of a second.
    from scipy.stats import binomtest

    discordant = only_first + only_second
    return float(binomtest(only_first, discordant, 0.5).pvalue) if discordant else 1.0


def _common_rule(scores: Sequence[Mapping[str, Any]], asked: str) -> str:
    """Return `asked`, or for "auto" the first rule that all have, primary rules before gt_box."""
    wanted = [str(each["primary"]) for each in scores] if asked == "auto" else [asked]
    for rule in [*wanted, "gt_box"] if asked == "auto" else wanted:
        if all(each.get(rule) is not None for each in scores):
            return rule
    raise ScoresError(
        f"runs that were not all scored by {' or '.join(dict.fromkeys(wanted))}",
        "a rule that all have",
        "choose another --rule",
    )


def _labels(faces: Sequence[ScoredFace]) -> dict[tuple[str, int], str]:
    return {(face.image_id, face.index): face.label for face in faces}


def _difference(values: NDArray[np.float64], in_resamples: NDArray[np.float64]) -> Difference:
    """values [2] and in_resamples [R, 2], of the first and the second run."""
    ends = percentile_interval(in_resamples[:, 1] - in_resamples[:, 0])
    interval = None if np.isnan(ends).any() else (float(ends[0]), float(ends[1]))
    return Difference(float(values[1] - values[0]), interval)
