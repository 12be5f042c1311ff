"""The numbers that are known of a made face: how they are read, mirrored, turned and standardised.

A face's measures are one vector: its action units, then ATTRIBUTES, then POSE. A unit whose two
sides ever differ ("12L", "12R") has a column for each side.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

ANCESTRY = ("african", "asian", "caucasian")
ATTRIBUTES = ("age", "female", *ANCESTRY, "weight")
POSE = ("yaw", "pitch", "roll")
"""Degrees: to the head's own left, downwards, towards its left shoulder."""

_MIRROR_SIDE = {"L": "R", "R": "L"}
_MIRROR_SIGN = {"yaw": -1.0, "roll": -1.0}


@dataclass(frozen=True)
class FaceMeasures:
    """Which measures there are, in the order of their columns."""

    units: tuple[str, ...]

    @classmethod
    def found_in(cls, descriptions: Iterable[Mapping[str, Any]]) -> FaceMeasures:
        """All units that any description names, by number, both sides where one is named."""
        named = {name for description in descriptions for name in description["units"]}
        sided = {name[:-1] for name in named if name[-1:] in _MIRROR_SIDE}
        whole = {name for name in named if name[-1:] not in _MIRROR_SIDE} - sided
        both = {number + side for number in sided for side in _MIRROR_SIDE}
        return cls(tuple(sorted(whole | both, key=_by_number)))

    @property
    def names(self) -> tuple[str, ...]:
        """Of all columns."""
        return (*self.units, *ATTRIBUTES, *POSE)

    @property
    def groups(self) -> dict[str, int]:
        """How many columns each kind has, in order; kinds without any are left out."""
        counts = {"units": len(self.units), "attributes": len(ATTRIBUTES), "pose": len(POSE)}
        return {name: count for name, count in counts.items() if count}

    def read(self, description: Mapping[str, Any]) -> NDArray[np.float32]:
        """The vector [M] of a face's description; KeyError where it lacks something."""
        units = description["units"]
        ancestry = dict(zip(ANCESTRY, description["ancestry"], strict=True))
        values = [units.get(name, units.get(name.rstrip("LR"), 0.0)) for name in self.units]
        rest = {**description, **ancestry}
        values += [rest[name] for name in (*ATTRIBUTES, *POSE)]
        return np.array(values, np.float32)

    def mirrored(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The measures [M] of the same face in a mirror."""
        order, signs = self._mirror
        mirrored: NDArray[np.float32] = values[order] * signs
        return mirrored

    def turned(self, values: NDArray[np.float32], degrees: float) -> NDArray[np.float32]:
        """The measures [M] of the same face in a picture turned so far anticlockwise."""
        turned = values.copy()
        # The head's own left is at the picture's right, so leaning there is clockwise.
        turned[self.names.index("roll")] -= degrees
        return turned

    @cached_property
    def _mirror(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """For each column, where its value comes from and its sign."""
        names = self.names
        other = [
            name[:-1] + _MIRROR_SIDE[name[-1]] if name[-1] in _MIRROR_SIDE else name
            for name in names
        ]
        order = np.array([names.index(name) for name in other], np.int64)
        return order, np.array([_MIRROR_SIGN.get(name, 1.0) for name in names], np.float32)


@dataclass(frozen=True)
class Standard:
    """Mean and deviation of each measure over the training split, both [M]."""

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def of(cls, values: NDArray[np.float32]) -> Standard:
        """Of measures [N, M]; one that never changes keeps its scale."""
        deviation = values.std(0, dtype=np.float64)
        deviation[deviation < 1e-6] = 1.0
        mean = values.mean(0, dtype=np.float64)
        return cls(mean.astype(np.float32), deviation.astype(np.float32))

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """[..., M] -> the same shape, mean 0 and deviation 1 over the training split."""
        standardised: NDArray[np.float32] = (values - self.mean) / self.deviation
        return standardised


def _by_number(unit: str) -> tuple[int, str]:
    digits = re.match(r"\d+", unit)
    return (int(digits[0]) if digits else 0, unit)
