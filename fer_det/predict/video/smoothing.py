"""What is said of a face in a video, made steady: averaged, and a label that does not flicker."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fer_det.core.expression import Expression

Probabilities = Mapping[Expression, float]


@dataclass(frozen=True)
class _Memory:
    """An exponentially weighted sum of what was said of one face."""

    total: Probabilities
    weight: float
    seconds: float


class Smoother:
    """Averages over time, each moment weighing exp(-age / `seconds`); nothing for 0 seconds.

    The first frames of a face are averaged alike, so that it does not start with whatever its
    first frame says.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._memories: dict[int, _Memory] = {}

    def smooth(self, number: int, probabilities: Probabilities, seconds: float) -> Probabilities:
        """What is said of face `number` at that moment -> the mean; sums to what comes in."""
        kept = self._kept(number, seconds)
        total = {
            expression: probability + (kept.total[expression] if kept else 0.0)
            for expression, probability in probabilities.items()
        }
        weight = 1.0 + (kept.weight if kept else 0.0)
        self._memories[number] = _Memory(total, weight, seconds)
        return {expression: each / weight for expression, each in total.items()}

    def forget_all_but(self, numbers: Collection[int]) -> None:
        """Drop faces that will not come again, so that a long video needs no more memory."""
        self._memories = {n: memory for n, memory in self._memories.items() if n in numbers}

    def _kept(self, number: int, seconds: float) -> _Memory | None:
        """What is left of a face's memory at that moment."""
        memory = self._memories.get(number)
        if memory is None or self._seconds == 0:
            return None
        left = math.exp(-max(0.0, seconds - memory.seconds) / self._seconds)
        total = {expression: left * each for expression, each in memory.total.items()}
        return _Memory(total, left * memory.weight, seconds)


class LabelKeeper:
    """Keeps a face's label until another expression is more probable by more than `margin`."""

    def __init__(self, margin: float) -> None:
        self._margin = margin
        self._labels: dict[int, Expression] = {}

    def keep(self, number: int, probabilities: Probabilities) -> Expression:
        """What is said of face `number` now -> its label."""
        best = max(probabilities, key=probabilities.__getitem__)
        held = self._labels.get(number, best)
        if probabilities[best] - probabilities[held] > self._margin:
            held = best
        self._labels[number] = held
        return held

    def forget_all_but(self, numbers: Collection[int]) -> None:
        """Drop faces that will not come again."""
        self._labels = {n: label for n, label in self._labels.items() if n in numbers}
