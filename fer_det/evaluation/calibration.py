"""Whether probabilities mean what they say: confidence beside how often it is right."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.evaluation.answers import FaceRecord
from fer_det.evaluation.picture import FloatArray
from fer_det.evaluation.temperature import UNCHANGED, apply_temperature

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Answers of about the same confidence."""

    low: float
    high: float
    """Confidences low < c <= high."""
    count: int
    confidence: float | None
    """Their mean; None for none."""
    accuracy: float | None
    """How many of them are right; None for none."""


@dataclass(frozen=True)
class Calibration:
    """Of one rule's answers; a missed face has no confidence and is left out."""

    ece: float | None
    """The expected calibration error: the mean over answers of |confidence - accuracy| of their
    bin (Guo et al. 2017). None for no answers."""
    ece_untempered: float | None
    """The same for the probabilities before the checkpoint's temperature."""
    bins: tuple[Bin, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "ece": self.ece,
            "ece_untempered": self.ece_untempered,
            "bins": [vars(each) for each in self.bins],
        }


def calibrate(
    faces: Iterable[FaceRecord], rule: str, temperature: float = UNCHANGED
) -> Calibration:
    """The calibration of a rule; temperature: what the probabilities were softened by."""
    answered = [(face, answer) for face in faces if (answer := face.answers[rule]) is not None]
    if not answered:
        return Calibration(None, None, reliability(np.empty(0), np.empty(0, np.bool_)))
    right = np.array([answer.label == face.label for face, answer in answered])
    rows = np.array([answer.probabilities for _, answer in answered], np.float64)
    bins = reliability(rows.max(axis=1), right)
    before = reliability(apply_temperature(rows, 1 / temperature).max(axis=1), right)
    return Calibration(expected_error(bins), expected_error(before), bins)


def reliability(
    confidence: FloatArray, right: NDArray[np.bool_], bins: int = BINS
) -> tuple[Bin, ...]:
    """Confidences [F] in 0..1 and whether each was right, in bins of equal width."""
    # Closed above, so that 1 has a place; 0 cannot be the largest of C probabilities.
    place = np.clip(np.ceil(np.asarray(confidence) * bins).astype(np.int64) - 1, 0, bins - 1)
    found = []
    for number in range(bins):
        inside = place == number
        count = int(inside.sum())
        found.append(
            Bin(
                number / bins,
                (number + 1) / bins,
                count,
                # Summed exactly, so that the order of the faces does not matter.
                math.fsum(confidence[inside]) / count if count else None,
                float(right[inside].mean()) if count else None,
            )
        )
    return tuple(found)


def expected_error(bins: Iterable[Bin]) -> float:
    """The mean over answers of how far their bin's confidence lies from its accuracy."""
    filled = [each for each in bins if each.confidence is not None and each.accuracy is not None]
    gaps = [each.count * abs((each.confidence or 0) - (each.accuracy or 0)) for each in filled]
    return sum(gaps) / sum(each.count for each in filled)
