"""How well expressions are told apart: the confusion matrix and what is read from it.

Every measure takes confusion matrices [..., C, C + 1], truth by rows, answers by columns, the
answer "none" (a missed face) in the last column. The leading shape is () for a data set and [R]
for R resamples of it, so that a figure and its interval come from the same lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_det.evaluation.picture import IntArray

FloatValues = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Recognition:
    """The measures of [...] confusion matrices; NaN where a measure has nothing to count."""

    accuracy: FloatValues
    """[...], right answers among all labelled faces."""
    recall: FloatValues
    """[..., C], right answers among the faces of each class ("per-class accuracy")."""
    mean_recall: FloatValues
    """[...], the mean over the classes present."""
    macro_f1: FloatValues
    """[...], the mean over the classes present."""
    miss_rate: FloatValues
    """[...], faces answered by "none"."""
    subset_mean_recall: Mapping[str, FloatValues]
    """[...], the mean over those classes of a named subset that are present."""


def confusion_by_picture(
    picture: IntArray, truth: IntArray, answer: IntArray, pictures: int, classes: int
) -> IntArray:
    """Count F faces into a confusion matrix a picture: [P, C, C + 1] int64.

    picture: [F] in 0..P-1; truth: [F] in 1..C; answer: [F] in 1..C, or 0 for "none".
    """
    _check_labels("truth", truth, 1, classes)
    _check_labels("answer", answer, 0, classes)
    column = np.where(answer == 0, classes, answer - 1)
    cells = classes * (classes + 1)
    place = picture * cells + (truth - 1) * (classes + 1) + column
    counts = np.bincount(place, minlength=pictures * cells)
    return np.asarray(counts.reshape(pictures, classes, classes + 1), np.int64)


def confusion_matrix(truth: IntArray, answer: IntArray, classes: int) -> IntArray:
    """Count F faces into [C, C + 1] int64; truth [F] in 1..C, answer [F] in 0..C, 0 for "none"."""
    alone = confusion_by_picture(np.zeros_like(truth), truth, answer, 1, classes)
    return np.asarray(alone[0])


def faces_by_class(confusion: IntArray) -> IntArray:
    """[..., C, C + 1] -> [..., C]: how many labelled faces each class has."""
    return np.asarray(confusion.sum(axis=-1))


def measure(
    confusion: IntArray, present: BoolArray, subsets: Mapping[str, BoolArray]
) -> Recognition:
    """Read all measures from [..., C, C + 1] confusion matrices.

    present: [C], the classes that the data set has faces of; subsets: name -> [C]. A mean over
    classes is NaN for a matrix in which one of its classes has lost all its faces.
    """
    count = faces_by_class(confusion)
    right = _right(confusion)
    total = count.sum(axis=-1)
    recall = _share(right, count)
    named = confusion[..., :-1].sum(axis=-2)
    # 2 TP / (2 TP + FN + FP), where TP + FN = count and TP + FP = named.
    f1 = np.where(count > 0, _share(2 * right, count + named), np.nan)
    return Recognition(
        accuracy=_share(right.sum(axis=-1), total),
        recall=recall,
        mean_recall=mean_over(recall, present),
        macro_f1=mean_over(f1, present),
        miss_rate=_share(confusion[..., -1].sum(axis=-1), total),
        subset_mean_recall={
            name: mean_over(recall, chosen & present) for name, chosen in subsets.items()
        },
    )


def measure_all_listed(confusion: IntArray, listed: IntArray) -> tuple[float, float]:
    """Accuracy and mean recall where what was listed and never scored counts as an error.

    confusion: [C, C + 1]; listed: [C], the faces of each class in the data set's own list.
    """
    right = _right(confusion)
    mean_recall = mean_over(_share(right, listed), listed > 0)
    return float(_share(right.sum(), listed.sum())), float(mean_recall)


def mean_over(values: FloatValues, chosen: BoolArray) -> FloatValues:
    """[..., C] -> [...]: the mean over the chosen classes; NaN for none, or if one of them is."""
    if not chosen.any():
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(values[..., chosen].mean(axis=-1))


def _check_labels(name: str, labels: IntArray, lowest: int, highest: int) -> None:
    if len(labels) and (labels.min() < lowest or labels.max() > highest):
        raise ValueError(
            f"{name} expected {lowest}..{highest}, found {labels.min()}..{labels.max()}"
        )


def _right(confusion: IntArray) -> IntArray:
    return np.asarray(np.diagonal(confusion, axis1=-2, axis2=-1))


def _share(part: IntArray, whole: IntArray) -> FloatValues:
    share = np.full(np.broadcast(part, whole).shape, np.nan)
    return np.asarray(np.divide(part, whole, out=share, where=np.asarray(whole) > 0))
