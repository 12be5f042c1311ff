"""Two runs on the same faces: whether one is better, or only luckier.

Both have answered the same faces, so each face is compared with itself. Accuracy: McNemar's test,
in its exact form, asks only the faces that one run has right and the other wrong ("Note on the
sampling error of the difference between correlated proportions", 1947). Means of recalls have no
such test; pictures are drawn with replacement for both runs at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from fer_det.errors import ScoresError
from fer_det.evaluation.answers import FaceRecord
from fer_det.evaluation.intervals import percentile_interval, resample_counts
from fer_det.evaluation.picture import IntArray
from fer_det.evaluation.recognition import (
    Recognition,
    confusion_by_picture,
    faces_by_class,
    measure,
)


@dataclass(frozen=True)
class Difference:
    """A measure of the second run less that of the first."""

    value: float
    low: float
    high: float
    """Ends of its 95 % interval."""


@dataclass(frozen=True)
class Paired:
    """A second run beside a first one, on the same faces."""

    only_first: int
    """Faces that the first has right and the second wrong."""
    only_second: int
    p_value: float
    """McNemar's, exact and two-sided: how often as uneven a split would come by luck alone."""
    accuracy: Difference
    mean_recall: Difference
    recall: Mapping[str, Difference | None]
    """By class; None for one without faces."""


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """The two-sided p-value of a split of the faces that two runs do not share; 1 for none."""
    shared_out = only_first + only_second
    fewer = min(only_first, only_second)
    tail = sum(comb(shared_out, count) for count in range(fewer + 1))
    return min(1.0, float(2 * tail / 2**shared_out))


def check_same_faces(runs: Sequence[tuple[str, Sequence[FaceRecord]]]) -> None:
    """Raise ScoresError unless all runs, named, have answered the same labelled faces."""
    (first_name, first), *others = runs
    wanted = "scores of the same labelled faces"
    remedy = "score both checkpoints on the same VOC folder and split"
    for name, faces in others:
        ours, theirs = _labels(first), _labels(faces)
        if ours == theirs:
            continue
        differing = sorted(ours.items() ^ theirs.items())
        (image_id, face), _ = differing[0]
        known = (
            f"labelled {ours[image_id, face]} there and {theirs[image_id, face]} here"
            if (image_id, face) in ours.keys() & theirs.keys()
            else f"only in {first_name if (image_id, face) in ours else name}"
        )
        raise ScoresError(
            f"{name} has other faces than {first_name}: {len(theirs)} and {len(ours)}, and "
            f"{image_id} is {known}",
            wanted,
            remedy,
        )


def compare(
    first: Sequence[FaceRecord],
    second: Sequence[FaceRecord],
    rule: str,
    classes: Sequence[str],
    resamples: int,
    seed: int = 0,
) -> Paired:
    """Compare two runs that `check_same_faces` has let pass, in any order of faces, by one rule."""
    second_by_face = {(face.image_id, face.face): face for face in second}
    pairs = [(face, second_by_face[face.image_id, face.face]) for face in first]
    right = np.array([[each.is_right(rule) for each in pair] for pair in pairs], np.bool_)
    only_first = int((right[:, 0] & ~right[:, 1]).sum())
    only_second = int((right[:, 1] & ~right[:, 0]).sum())
    counts = [_by_picture([pair[run] for pair in pairs], rule, classes) for run in (0, 1)]
    # Side by side, so that each resample has the same pictures for both runs.
    drawn = resample_counts(np.hstack(counts), resamples, seed)
    shape = (-1, 2, len(classes), len(classes) + 1)
    whole = np.hstack(counts).sum(axis=0).reshape(shape[1:])
    present = faces_by_class(whole[0]) > 0
    scores, in_resamples = (
        measure(matrices, present, {}) for matrices in (whole, drawn.reshape(shape))
    )
    return Paired(
        only_first,
        only_second,
        mcnemar_exact(only_first, only_second),
        _difference(scores.accuracy, in_resamples.accuracy),
        _difference(scores.mean_recall, in_resamples.mean_recall),
        {
            label: _recall_difference(scores, in_resamples, row) if present[row] else None
            for row, label in enumerate(classes)
        },
    )


def _labels(faces: Sequence[FaceRecord]) -> dict[tuple[str, int], str]:
    return {(face.image_id, face.face): face.label for face in faces}


def _by_picture(faces: Sequence[FaceRecord], rule: str, classes: Sequence[str]) -> IntArray:
    """[P, C * (C + 1)]: the confusion matrix of each picture, in the order of their first faces."""
    places: dict[str, int] = {}
    picture = [places.setdefault(face.image_id, len(places)) for face in faces]
    numbers = {label: number for number, label in enumerate(classes, start=1)}
    answers = [face.answers[rule] for face in faces]
    counts = confusion_by_picture(
        np.array(picture, np.int64),
        np.array([numbers[face.label] for face in faces], np.int64),
        np.array([numbers[each.label] if each else 0 for each in answers], np.int64),
        len(places),
        len(classes),
    )
    return counts.reshape(len(places), len(classes) * (len(classes) + 1))


def _recall_difference(scores: Recognition, in_resamples: Recognition, row: int) -> Difference:
    return _difference(scores.recall[..., row], in_resamples.recall[..., row])


def _difference(values: NDArray[np.float64], in_resamples: NDArray[np.float64]) -> Difference:
    """values [2] and in_resamples [R, 2], of the first and the second run."""
    low, high = percentile_interval(in_resamples[:, 1] - in_resamples[:, 0])
    return Difference(float(values[1] - values[0]), float(low), float(high))
