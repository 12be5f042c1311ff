"""Points of the skin on the base head, with masks, noise and soft regions for all skin materials.

Lengths are metres on the base head: the mouth is at height 0.660, the nose tip at 0.690, the eyes
at 0.727 and the brows at 0.752.
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
"""Facial actions by their ARKit names, such as browDownLeft, to their weight."""

_AXIS = 0.04
"""The vertical axis of the head is at y = -0.04 m."""
_TILE = 0.25
"""Height of a tile of the skin's noise in metres; two tiles cover the circumference, so that a tile
is about as wide as high."""
_TILES_AROUND = 2
_HAIR_PIXEL = 0.00028
"""Size in metres of pixels that still show single hairs."""


@dataclass(frozen=True)
class SkinPoints:
    """Points of the skin on the base head; fields are [P] unless stated otherwise."""

    x: Floats
    """Metres towards the head's own left."""
    y: Floats
    """Metres backwards."""
    z: Floats
    """Metres upwards."""
    lips: Floats
    """Mask, 1 on the lips."""
    eyelids: Floats
    """Mask, 1 on the eyelids."""
    ears: Floats
    """Mask, 1 on the ears."""
    noise_u: Floats
    """u in the skin's noise: angle around the vertical axis, in tiles."""
    offsets: Floats
    """[8] offsets of this identity in the noise."""
    pixel: float
    """Metres on the base head between neighbouring pixels of the picture."""

    @cached_property
    def across(self) -> Floats:
        """Distance from the median plane in metres."""
        return np.abs(self.x)

    @cached_property
    def front(self) -> Floats:
        """1 on the front of the head, 0 behind the ears."""
        return smooth_ramp(-0.05, -0.09, self.y)

    @cached_property
    def patches(self) -> Floats:
        """Noise with waves of 2 to 12 cm."""
        return self._skin_noise("low", 0)

    @cached_property
    def blotches(self) -> Floats:
        """Noise with waves of 4 to 20 mm."""
        return self._skin_noise("mid", 2)

    @cached_property
    def grain(self) -> Floats:
        """Noise with waves of 1 to 4 mm."""
        return self._skin_noise("fine", 4)

    @cached_property
    def pores(self) -> Floats:
        """Noise with waves of 0.3 to 1.5 mm."""
        return self._skin_noise("fine", 6, scale=3)

    def left_weight(self, width: float = 0.008) -> Floats:
        """1 on the head's own left half, 0 on the right half; the transition is `width` metres
        wide.
        """
        return smooth_ramp(-width, width, self.x)

    def blob(self, across: float, height: float, width: float, tallness: float) -> Floats:
        """Two symmetric soft spots: 1 at the centre, 1 / e at `width` and `tallness` metres."""
        return gaussian((self.across - across) / width) * gaussian((self.z - height) / tallness)

    def subset(self, which: NDArray[Any]) -> SkinPoints:
        """Select points by an index or a mask and keep the noise that was already looked up."""
        fields = ("x", "y", "z", "lips", "eyelids", "ears", "noise_u")
        places = replace(self, **{name: getattr(self, name)[which] for name in fields})
        for name in ("across", "front", "patches", "blotches", "grain", "pores"):
            if name in self.__dict__:
                places.__dict__[name] = self.__dict__[name][which]
        return places

    def resolvable(self, wave: float) -> float:
        """How far pixels can show a wave of this length in metres: 0 not at all to 1 fully."""
        return min(max(wave / (2 * self.pixel) - 0.6, 0), 1)

    def strand_scale(self) -> float:
        """Return the factor by which strands are wider than hairs, so that pixels can show them.

        A power of two, so that a small change of the view leaves every strand at its position.
        """
        return 2.0 ** max(round(math.log2(self.pixel / _HAIR_PIXEL)), 0)

    def _skin_noise(self, name: str, offset: int, scale: int = 1) -> Floats:
        return noise(
            name,
            self.noise_u * scale + self.offsets[offset],
            self.z * (scale / _TILE) + self.offsets[offset + 1],
        )


def head_noise_u(x: Floats, y: Floats) -> Floats:
    """Return u in the skin's noise for points at x, y [P]."""
    tiles: Floats = np.arctan2(x, -(y + _AXIS)) * (0.5 * _TILES_AROUND / np.pi)
    return tiles


def side_strength(actions: Actions, name: str, left_weight: Floats) -> Floats:
    """[P] weight of the action `name` + Left or Right, by the side on which a point lies."""
    right = float(actions.get(f"{name}Right", 0))
    left = float(actions.get(f"{name}Left", 0))
    strength: Floats = np.maximum(right + (left - right) * left_weight, 0)
    return strength


def mean_strength(actions: Actions, name: str) -> float:
    """Return the mean weight of the action on the left and on the right, not below 0."""
    return max((actions.get(f"{name}Left", 0.0) + actions.get(f"{name}Right", 0.0)) / 2, 0.0)


def mix(under: Floats, over: Floats, part: Floats) -> Floats:
    """Blend `over` ([3] or [P, 3]) over `under` [P, 3] with the opacity `part` [P]."""
    return under + (over - under) * part[:, None]
