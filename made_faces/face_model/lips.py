"""Closed lips: whatever a person's lips are shaped like, at rest they meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from made_faces.curves import interpolation_parts
from made_faces.surface import Floats, Ints

_SLIT = 0.6607
"""Height in metres on the base head at which the lips part."""
_CORNER = 0.0245
"""Half the width of the base mouth in metres."""
_BACK = -0.13
"""y in metres: lips lie before it."""
_REACH = 0.006
"""Metres above and below the slit over which a lip gives way."""
_OVERLAP = np.float32(0.0004)
"""Metres by which lips at rest press into each other, so that no tooth shows between."""
_STATIONS = 13
"""Places along the slit at which the gap is measured."""


@dataclass(frozen=True)
class Lips:
    """Which vertices lie along the slit, and how those around follow them."""

    upper: Ints
    """[K] the upper lip's lowest vertices, from the head's own right to its left."""
    lower: Ints
    """[K] the lower lip's highest vertices below them."""
    followers: Ints
    """[N] vertices that move when lips are closed."""
    station: Floats
    """[N, K] parts of the stations whose gap a follower closes; rows sum to 1."""
    share: Floats
    """[N] part of the gap that a follower closes: positive upwards, from -0.5 to 0.5."""

    def close(self, points: Floats) -> None:
        """Move the lips of `points` [V, 3] in place until they just touch."""
        gap = points[self.upper, 2] - points[self.lower, 2] + _OVERLAP
        points[self.followers, 2] += self.share * (self.station @ gap)


def find_lips(template: Floats, skin: Ints) -> Lips:
    """Find the lips on the base head; skin: the vertices of skin and mouth cavity."""
    x, y, z = template[skin].T
    near = skin[(y < _BACK) & (np.abs(z - _SLIT) < 2.5 * _REACH) & (np.abs(x) < 1.4 * _CORNER)]
    x, _, z = template[near].T
    above = z > _SLIT
    places = np.linspace(-_CORNER, _CORNER, _STATIONS)
    upper = [_edge(template, near[above], place, lowest=True) for place in places]
    lower = [_edge(template, near[~above], place, lowest=False) for place in places]
    inside = np.clip((1.4 - np.abs(x) / _CORNER) / 0.3, 0, 1)
    nearness = np.exp(-(((z - _SLIT) / _REACH) ** 2)) * inside
    return Lips(
        upper=np.array(upper, np.int32),
        lower=np.array(lower, np.int32),
        followers=near,
        station=interpolation_parts(x, places).astype(np.float32),
        share=(np.where(above, -0.5, 0.5) * nearness).astype(np.float32),
    )


def _edge(template: Floats, lip: Ints, place: float, lowest: bool) -> int:
    """The vertex of one lip that comes nearest to the other at that x."""
    x, _, z = template[lip].T
    # Half a station's width of wandering sideways is worth less than a millimetre of height.
    height = z if lowest else -z
    return int(lip[np.argmin(height + np.float32(0.6) * np.abs(x - np.float32(place)))])
