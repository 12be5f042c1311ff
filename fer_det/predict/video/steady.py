"""Average each track's probabilities over time, and keep its label steady."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fer_det.core.expression import Expression

LABEL_MARGIN = 0.1
"""How much more probable another expression must be on average to become a track's label."""

Probabilities = Mapping[Expression, float]


@dataclass(frozen=True)
class _Mean:
    """An exponentially weighted sum of one track's probabilities."""

    total: Probabilities
    weight: float
    seconds: float


class Smoother:
    """Averages each track's probabilities over time, with weights exp(-age / `seconds`).

    The sum of weights is divided out, so that the first frames of a track count alike. 0 seconds:
    no averaging.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._means: dict[int, _Mean] = {}

    def update(self, number: int, probabilities: Probabilities, seconds: float) -> Probabilities:
        """Update the running mean of track `number`'s probabilities and return it."""
        kept = self._decayed(number, seconds)
        total = {
            expression: probability + (kept.total[expression] if kept else 0.0)
            for expression, probability in probabilities.items()
        }
        weight = 1.0 + (kept.weight if kept else 0.0)
        self._means[number] = _Mean(total, weight, seconds)
        return {expression: each / weight for expression, each in total.items()}

    def keep_only(self, numbers: Collection[int]) -> None:
        """Drop all other tracks."""
        self._means = {n: mean for n, mean in self._means.items() if n in numbers}

    def _decayed(self, number: int, seconds: float) -> _Mean | None:
        mean = self._means.get(number)
        if mean is None or self._seconds == 0:
            return None
        left = math.exp(-max(0.0, seconds - mean.seconds) / self._seconds)
        total = {expression: left * each for expression, each in mean.total.items()}
        return _Mean(total, left * mean.weight, seconds)


class LabelKeeper:
    """Keeps a track's label until another expression is more probable by more than `margin`.

    The label is None, for unknown, from when the highest probability is `margin` / 2 below
    `unknown_below` until it is as much above it. The expression is remembered meanwhile.
    """

    def __init__(self, margin: float, unknown_below: float = 0.0) -> None:
        self._margin, self._unknown_below = margin, unknown_below
        self._labels: dict[int, Expression] = {}
        self._unknown: set[int] = set()

    def update(self, number: int, probabilities: Probabilities) -> Expression | None:
        """Return the label of track `number`, given its averaged probabilities in this frame."""
        best = max(probabilities, key=probabilities.__getitem__)
        known = number in self._labels
        label = self._labels.get(number, best)
        if probabilities[best] - probabilities[label] > self._margin:
            label = best
        self._labels[number] = label
        least = self._unknown_below
        if known:
            least += self._margin / 2 if number in self._unknown else -self._margin / 2
        if probabilities[best] < least:
            self._unknown.add(number)
            return None
        self._unknown.discard(number)
        return label

    def keep_only(self, numbers: Collection[int]) -> None:
        """Drop all other tracks."""
        self._labels = {n: label for n, label in self._labels.items() if n in numbers}
        self._unknown.intersection_update(numbers)
