"""Where points lie on the base head, and soft regions there: the words that all paint is said in.

Lengths are metres on the base head, whose mouth lies at height 0.660, the nose's tip at 0.690, the
eyes at 0.727 and the brows at 0.752.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from made_faces.surface import Floats
from made_faces.texture import gaussian, noise, smooth_ramp

Actions = Mapping[str, float]
"""Facial actions by their ARKit names, such as browDownLeft, to their strength."""

_AXIS = 0.04
"""Metres by which the head's upright axis lies before the origin, at y = -0.04."""
_TILE = 0.25
"""Height of a tile of skin in metres; two tiles go round the head, about as wide as they are high.
"""
_TILES_AROUND = 2
_HAIR_PIXEL = 0.00028
"""Size in metres of pixels that still show single hairs."""


@dataclass(frozen=True)
class SkinPoints:
    """Points of the skin on the base head; each field [P] where not said."""

    x: Floats
    """Towards the head's own left, metres."""
    y: Floats
    """Backwards, metres."""
    z: Floats
    """Upwards, metres."""
    lips: Floats
    """1 on the lips."""
    eyelids: Floats
    """1 on the eyelids."""
    ears: Floats
    """1 on the ears."""
    noise_u: Floats
    """Turns around the head's axis times the tiles that go round it: u of the skin's noise."""
    offsets: Floats
    """[8] where this person's skin lies in the noise."""
    pixel: float
    """Metres on the base head from one pixel of the picture to the next."""

    @cached_property
    def across(self) -> Floats:
        """Distance from the middle plane in metres, the same for left and right."""
        return np.abs(self.x)

    @cached_property
    def front(self) -> Floats:
        """1 on the front of the head, 0 from the ears backwards."""
        return smooth_ramp(-0.05, -0.09, self.y)

    @cached_property
    def patches(self) -> Floats:
        """Noise of 2 to 12 cm."""
        return self._skin_noise("low", 0)

    @cached_property
    def blotches(self) -> Floats:
        """Noise of 4 to 20 mm."""
        return self._skin_noise("mid", 2)

    @cached_property
    def grain(self) -> Floats:
        """Noise of 1 to 4 mm."""
        return self._skin_noise("fine", 4)

    @cached_property
    def pores(self) -> Floats:
        """Noise of 0.3 to 1.5 mm."""
        return self._skin_noise("fine", 6, scale=3)

    def left_weight(self, width: float = 0.008) -> Floats:
        """1 on the head's own left half, 0 on its right, changing over `width` metres."""
        return smooth_ramp(-width, width, self.x)

    def blob(self, across: float, height: float, width: float, tallness: float) -> Floats:
        """Soft spots left and right: 1 in their middle, 1 / e at `width` and `tallness` metres."""
        return gaussian((self.across - across) / width) * gaussian((self.z - height) / tallness)

    def subset(self, which: NDArray[Any]) -> SkinPoints:
        """The points that an index or a mask names, with the noise that is known already."""
        fields = ("x", "y", "z", "lips", "eyelids", "ears", "noise_u")
        places = replace(self, **{name: getattr(self, name)[which] for name in fields})
        for name in ("across", "front", "patches", "blotches", "grain", "pores"):
            if name in self.__dict__:
                places.__dict__[name] = self.__dict__[name][which]
        return places

    def resolvable(self, wave: float) -> float:
        """How much of a wave, in metres, the picture's pixels can show: 0 to 1."""
        return min(max(wave / (2 * self.pixel) - 0.6, 0), 1)

    def strand_scale(self) -> float:
        """How many times wider strands are painted than hairs are, so that pixels show them.

        A power of two, so that a small change of the view leaves every strand in its place.
        """
        return 2.0 ** max(round(math.log2(self.pixel / _HAIR_PIXEL)), 0)

    def _skin_noise(self, name: str, offset: int, scale: int = 1) -> Floats:
        return noise(
            name,
            self.noise_u * scale + self.offsets[offset],
            self.z * (scale / _TILE) + self.offsets[offset + 1],
        )


def head_noise_u(x: Floats, y: Floats) -> Floats:
    """u of the skin's noise for points at x, y [P]."""
    tiles: Floats = np.arctan2(x, -(y + _AXIS)) * (0.5 * _TILES_AROUND / np.pi)
    return tiles


def side_strength(actions: Actions, name: str, left_weight: Floats) -> Floats:
    """[P] strength of the action `name` + Left or Right, whichever side a point lies on."""
    right = float(actions.get(f"{name}Right", 0))
    left = float(actions.get(f"{name}Left", 0))
    strength: Floats = np.maximum(right + (left - right) * left_weight, 0)
    return strength


def mean_strength(actions: Actions, name: str) -> float:
    """Mean strength of the action `name` on the left and on the right, not below 0."""
    return max((actions.get(f"{name}Left", 0.0) + actions.get(f"{name}Right", 0.0)) / 2, 0.0)


def mix(under: Floats, over: Floats, part: Floats) -> Floats:
    """`over` laid on `under` [P, 3], `part` [P] of it; `over` is [3] or [P, 3]."""
    return under + (over - under) * part[:, None]
