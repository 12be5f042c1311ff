"""Calibration: whether a probability of 0.8 is correct eight times in ten.

The expected calibration error (ECE) and temperature scaling follow Guo, Pleiss, Sun and Weinberger,
"On Calibration of Modern Neural Networks" (ICML 2017). Temperature scaling divides the logits by
one number, the temperature, that is fitted on validation faces. Above 1 it lowers the confidence,
below 1 it raises it; the most probable expression never changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fer_det.evaluation.picture import FloatArray, IntArray

BINS = 10
UNCHANGED = 1.0
"""The temperature that changes nothing."""
RANGE = (0.05, 20.0)
"""Lowest and highest temperature that is fitted."""
PRIOR_SPREAD = 0.5
"""Standard deviation of the Gaussian prior on log(temperature), with mean 0: two of three
temperatures lie between 0.61 and 1.65, and 95 % between 0.37 and 2.7."""
CRITICAL_RATIO = 3.84
"""95 % point of chi-squared with one degree of freedom, the limit of the likelihood-ratio test."""

_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Bin:
    """Predictions of similar confidence."""

    low: float
    high: float
    """The bin holds confidences low < c <= high."""
    count: int
    confidence: float | None
    """Their mean confidence; None for an empty bin."""
    accuracy: float | None
    """Share of correct ones; None for an empty bin."""


@dataclass(frozen=True)
class Calibration:
    """Calibration of one rule's predictions; faces without prediction are left out."""

    ece: float | None
    """Expected calibration error: the mean over predictions of |confidence - accuracy| of their
    bin. None where there are no predictions."""
    ece_untempered: float | None
    """The same for the probabilities before temperature scaling."""
    bins: tuple[Bin, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the entry in scores.json."""
        return {
            "ece": self.ece,
            "ece_untempered": self.ece_untempered,
            "bins": [vars(each) for each in self.bins],
        }


def measure_calibration(
    probabilities: FloatArray, correct: NDArray[np.bool_], temperature: float = UNCHANGED
) -> Calibration:
    """Measure the calibration of F predictions.

    probabilities: [F, C], after scaling by `temperature`; correct: [F], whether the most probable
    class is the label.
    """
    if not len(correct):
        return Calibration(None, None, reliability(np.empty(0), np.empty(0, np.bool_)))
    bins = reliability(probabilities.max(axis=1), correct)
    unscaled = apply_temperature(probabilities, 1 / temperature)
    before = reliability(unscaled.max(axis=1), correct)
    return Calibration(expected_error(bins), expected_error(before), bins)


def reliability(
    confidence: FloatArray, correct: NDArray[np.bool_], bins: int = BINS
) -> tuple[Bin, ...]:
    """Sort [F] confidences in 0..1, and whether each is correct, into bins of equal width."""
    # Bins are closed above, so that 1 belongs to the last one; 0 is put into the first.
    place = np.clip(np.ceil(np.asarray(confidence) * bins).astype(np.int64) - 1, 0, bins - 1)
    filled = []
    for number in range(bins):
        inside = place == number
        count = int(inside.sum())
        filled.append(
            Bin(
                number / bins,
                (number + 1) / bins,
                count,
                # An exact sum, so that the order of the faces does not matter.
                math.fsum(confidence[inside]) / count if count else None,
                float(correct[inside].mean()) if count else None,
            )
        )
    return tuple(filled)


def expected_error(bins: Iterable[Bin]) -> float:
    """Return the ECE of bins of which at least one is not empty."""
    filled = [each for each in bins if each.count]
    gaps = [each.count * abs((each.confidence or 0) - (each.accuracy or 0)) for each in filled]
    return sum(gaps) / sum(each.count for each in filled)


def apply_temperature(probabilities: NDArray[np.floating[Any]], temperature: float) -> NDArray[Any]:
    """Turn probabilities [N, C] of logits into those of the logits divided by `temperature`.

    Computed in float64, so that different float32 probabilities stay different and the most
    probable class stays the same. A temperature of 1 returns the same array; applying t and then
    1 / t restores the probabilities.
    """
    if temperature == UNCHANGED:
        return probabilities
    with np.errstate(divide="ignore"):
        logits = np.log(np.asarray(probabilities, np.float64)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit_temperature(probabilities: NDArray[np.floating[Any]], labels: IntArray) -> float:
    """Fit the temperature on F validation faces; in RANGE, and 1 without evidence for another.

    probabilities: [F, C]; labels: [F] in 1..C.

    Two things keep a small validation split from making the calibration worse:

    - The fit is a maximum a posteriori estimate with a Gaussian prior on log(temperature), see
      PRIOR_SPREAD. The likelihood is a sum over faces, so the weight of the prior falls with 1 / F.
      It also bounds the temperature of a model that is correct about every face.
    - The fitted temperature is used only where a likelihood-ratio test at 5 % rejects a temperature
      of 1, that is where twice the gain in log-likelihood exceeds CRITICAL_RATIO.
    """
    # Imported here since prediction applies a temperature but never fits one.
    from scipy.optimize import minimize_scalar

    if not len(labels):
        return UNCHANGED
    logits = np.log(np.maximum(np.asarray(probabilities, np.float64), _SMALLEST))

    def negative_log_likelihood(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        normaliser = np.log(np.exp(scaled).sum(axis=1))
        return float((normaliser - scaled[np.arange(len(labels)), labels - 1]).sum())

    def objective(log_temperature: float) -> float:
        prior = log_temperature**2 / (2 * PRIOR_SPREAD**2)
        return negative_log_likelihood(log_temperature) + prior

    bounds = (math.log(RANGE[0]), math.log(RANGE[1]))
    fitted = float(minimize_scalar(objective, bounds=bounds, method="bounded").x)
    gain = negative_log_likelihood(0.0) - negative_log_likelihood(fitted)
    return math.exp(fitted) if 2 * gain > CRITICAL_RATIO else UNCHANGED


def fit_unknown(
    probabilities: NDArray[np.floating[Any]], labels: IntArray, error: float
) -> tuple[float, float, float]:
    """Return the probability below which a face is better called unknown, its error and its share.

    probabilities: [F, C], calibrated; labels: [F] in 1..C. The threshold is the lowest one above
    which at most the part `error` of the F validation faces is wrong; where none keeps half of the
    faces, it is the one that does. With it come the error that is left and the share of faces that
    are answered. Selective classification: Geifman and El-Yaniv, NeurIPS 2017.
    """
    if not len(labels):
        return 0.0, 0.0, 1.0
    confidence = probabilities.max(axis=1)
    wrong = probabilities.argmax(axis=1) + 1 != labels
    order = np.argsort(-confidence, kind="stable")
    errors = np.cumsum(wrong[order]) / np.arange(1, len(labels) + 1)
    # A threshold answers all faces of equal confidence or none of them.
    ends = np.flatnonzero(np.diff(confidence[order], append=-1.0))
    half = ends[np.searchsorted(ends, (len(labels) - 1) // 2)]
    good = ends[errors[ends] <= error]
    last = int(max(good.max(initial=-1), half))
    threshold = float(confidence[order][last]) if last + 1 < len(labels) else 0.0
    return threshold, float(errors[last]), (last + 1) / len(labels)
