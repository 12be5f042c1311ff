"""How well expressions are recognised: confusion matrices, measures, and bootstrap intervals.

Every measure takes confusion matrices [..., C, C + 1]: truth in rows, predictions in columns, faces
without prediction ("none") in the last column. The leading shape is () for a data set and [R] for
R bootstrap resamples of it, so that a figure and its interval come from the same code.

Intervals are percentiles of bootstrap resamples of the pictures (Efron and Tibshirani, "An
Introduction to the Bootstrap", 1993). Pictures are sampled with replacement from all scored
pictures, not class by class, since another test set would have other class counts too. A resample
without any face of a class is left out of that class's interval and of the means over classes. Two
limits: pictures of one person are sampled as if they were independent, and the interval of a class
with fewer than FEW_FACES faces is too narrow.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_det.evaluation.picture import IntArray

FloatValues = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

LEVEL = 0.95
RESAMPLES = 2000
FEW_FACES = 30
"""With fewer faces in a class its percentile interval is too narrow to be trusted."""


@dataclass(frozen=True, eq=False)
class Recognition:
    """Measures of [...] confusion matrices, 0..1; NaN where there is nothing to count."""

    accuracy: FloatValues
    """[...], correct predictions among all labelled faces."""
    recall: FloatValues
    """[..., C], correct predictions among the faces of each class ("per-class accuracy")."""
    mean_recall: FloatValues
    """[...], mean of `recall` over the classes present ("balanced accuracy")."""
    macro_f1: FloatValues
    """[...], mean of F1 over the classes present."""
    miss_rate: FloatValues
    """[...], faces without prediction among all labelled faces."""
    subset_mean_recall: Mapping[str, FloatValues]
    """[...], mean of `recall` over those classes of a named subset that are present."""


def confusion_by_picture(
    picture: IntArray, truth: IntArray, predicted: IntArray, pictures: int, classes: int
) -> IntArray:
    """Count F faces into one confusion matrix per picture, [P, C, C + 1] int64.

    picture: [F] in 0..P-1; truth: [F] in 1..C; predicted: [F] in 1..C, or 0 for "none". Raises
    ValueError for classes outside these ranges.
    """
    _check_labels("truth", truth, 1, classes)
    _check_labels("predicted", predicted, 0, classes)
    column = np.where(predicted == 0, classes, predicted - 1)
    cells = classes * (classes + 1)
    place = picture * cells + (truth - 1) * (classes + 1) + column
    counts = np.bincount(place, minlength=pictures * cells)
    return np.asarray(counts.reshape(pictures, classes, classes + 1), np.int64)


def confusion_matrix(truth: IntArray, predicted: IntArray, classes: int) -> IntArray:
    """Count F faces into [C, C + 1] int64; truth [F] in 1..C, predicted [F] in 0..C, 0: "none"."""
    alone = confusion_by_picture(np.zeros_like(truth), truth, predicted, 1, classes)
    return np.asarray(alone[0])


def faces_by_class(confusion: IntArray) -> IntArray:
    """[..., C, C + 1] -> [..., C], labelled faces of each class."""
    return np.asarray(confusion.sum(axis=-1))


def measure(
    confusion: IntArray, present: BoolArray, subsets: Mapping[str, BoolArray]
) -> Recognition:
    """Compute all measures of [..., C, C + 1] confusion matrices.

    present: [C], the classes that the data set has faces of; subsets: name -> [C]. A mean over
    classes is NaN for a matrix in which one of these classes has no faces.
    """
    count = faces_by_class(confusion)
    correct = _correct(confusion)
    total = count.sum(axis=-1)
    recall = _share(correct, count)
    predicted = confusion[..., :-1].sum(axis=-2)
    # 2 TP / (2 TP + FN + FP), where TP + FN = count and TP + FP = predicted.
    f1 = np.where(count > 0, _share(2 * correct, count + predicted), np.nan)
    return Recognition(
        accuracy=_share(correct.sum(axis=-1), total),
        recall=recall,
        mean_recall=_mean_over(recall, present),
        macro_f1=_mean_over(f1, present),
        miss_rate=_share(confusion[..., -1].sum(axis=-1), total),
        subset_mean_recall={
            name: _mean_over(recall, chosen & present) for name, chosen in subsets.items()
        },
    )


def measure_all_listed(confusion: IntArray, listed: IntArray) -> tuple[float, float]:
    """Return accuracy and mean recall with listed faces that were not scored counted as errors.

    confusion: [C, C + 1]; listed: [C], faces of each class in the data set's own list.
    """
    correct = _correct(confusion)
    mean_recall = _mean_over(_share(correct, listed), listed > 0)
    return float(_share(correct.sum(), listed.sum())), float(mean_recall)


def resample_counts(counts: IntArray, resamples: int, seed: int) -> IntArray:
    """Sum counts over bootstrap resamples of the pictures: [P, K] int64 -> [resamples, K] int64.

    Row p of `counts` is what picture p adds to K cells. The result is the same for the same seed
    and the same rows in any order.

    Pictures with equal rows are one kind, and the number of times each kind is sampled is
    multinomial: the same distribution as sampling P indices, at the cost of the number of kinds.
    """
    pictures, cells = counts.shape
    if pictures == 0:
        return np.zeros((resamples, cells), np.int64)
    kinds, sizes = np.unique(counts, axis=0, return_counts=True)
    sampled = np.random.default_rng(seed).multinomial(pictures, sizes / pictures, size=resamples)
    # Whole numbers far below 2**53 are exact in float64, whose product is many times faster.
    return np.rint(sampled.astype(np.float64) @ kinds.astype(np.float64)).astype(np.int64)


def percentile_interval(values: FloatValues, level: float = LEVEL) -> FloatValues:
    """[R, ...] -> [2, ...], lower and upper end of the interval that holds `level` of the values.

    NaN is left out; both ends are NaN where all values are.
    """
    tail = (1 - level) / 2
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        return np.asarray(np.nanquantile(values, [tail, 1 - tail], axis=0))


def recognition_intervals(resampled: Recognition) -> Recognition:
    """Return the `percentile_interval` of each measure of [R] resamples; leading shape (2,)."""
    return Recognition(
        accuracy=percentile_interval(resampled.accuracy),
        recall=percentile_interval(resampled.recall),
        mean_recall=percentile_interval(resampled.mean_recall),
        macro_f1=percentile_interval(resampled.macro_f1),
        miss_rate=percentile_interval(resampled.miss_rate),
        subset_mean_recall={
            name: percentile_interval(values)
            for name, values in resampled.subset_mean_recall.items()
        },
    )


def _mean_over(values: FloatValues, chosen: BoolArray) -> FloatValues:
    """[..., C] -> [...], mean over the chosen classes; NaN for none, or if one of them is NaN."""
    if not chosen.any():
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(values[..., chosen].mean(axis=-1))


def _check_labels(name: str, labels: IntArray, lowest: int, highest: int) -> None:
    if len(labels) and (labels.min() < lowest or labels.max() > highest):
        raise ValueError(
            f"{name} expected {lowest}..{highest}, found {labels.min()}..{labels.max()}"
        )


def _correct(confusion: IntArray) -> IntArray:
    return np.asarray(np.diagonal(confusion, axis1=-2, axis2=-1))


def _share(part: IntArray, whole: IntArray) -> FloatValues:
    share = np.full(np.broadcast(part, whole).shape, np.nan)
    return np.asarray(np.divide(part, whole, out=share, where=np.asarray(whole) > 0))
