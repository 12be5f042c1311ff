"""Lids that meet and slide over the eyeball, however eyes are shaped and actions add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from made_faces.curves import interpolation_parts
from made_faces.face_model.targets import Targets
from made_faces.surface import Floats, Ints

_CLOSED = np.float32(0.0016)
"""Metres between the lids' inner rims when their edges touch."""
_CLEARANCE = np.float32(0.0009)
"""Metres that the lids' skin keeps from the eyeball; triangles cut a little deeper."""
_STATIONS = (0.22, 0.35, 0.5, 0.65, 0.78)
"""Parts of the rim's width at which the opening is measured; beside them lids hardly move."""
_NEAR = 0.021
"""Metres from the eyeball's middle within which skin can touch it."""


@dataclass(frozen=True)
class Eyelids:
    """One eye's lids."""

    eyeball: Ints
    """Its vertices."""
    upper: Ints
    """[K] vertices of the upper lid's rim."""
    lower: Ints
    """[K] vertices of the lower lid's rim below them."""
    followers: Ints
    """[N] vertices that a blink moves."""
    moves: Floats
    """[N, 3] how far a whole blink moves them, in metres."""
    station: Floats
    """[N, K] each follower's parts of the stations; rows sum to 1."""
    drop: Floats
    """[K] by how much a whole blink narrows the opening, in metres."""
    skin: Ints
    """[M] vertices that could sink into the eyeball."""

    def settle(self, points: Floats, rest: Floats) -> None:
        """Take back, in place, what lets lids cross or eyeballs show through; rest: the shape."""
        opening = self._opening(points)
        closed = np.minimum(_CLOSED, np.float32(0.3) * np.maximum(self._opening(rest), 0))
        excess = np.maximum(closed - opening, 0) / self.drop
        points[self.followers] -= self.moves * (self.station @ excess)[:, None]
        self._push_out(points, rest)

    def _opening(self, points: Floats) -> Floats:
        """[K] metres between the rims at the stations."""
        opening: Floats = points[self.upper, 2] - points[self.lower, 2]
        return opening

    def _push_out(self, points: Floats, rest: Floats) -> None:
        """Move skin that has sunk into the eyeball out of it."""
        ball = points[self.eyeball]
        middle = (ball.min(axis=0) + ball.max(axis=0)) / 2
        radius = np.linalg.norm(ball - middle, axis=1).mean()
        ray = points[self.skin] - middle
        distance = np.linalg.norm(ray, axis=1)
        # The rims lie inside the ball even at rest, where nobody sees them.
        least = np.minimum(np.linalg.norm(rest[self.skin] - middle, axis=1), radius + _CLEARANCE)
        points[self.skin] += ray * np.maximum(least / distance - 1, 0)[:, None]


def find_eyelids(
    template: Floats, eyeball: Ints, skin: Ints, socket: Ints, blink: Targets, action: str
) -> Eyelids:
    """Find one eye's lids on the base head.

    skin, socket: the vertices of these regions; blink: the targets that hold `action`, the blink
    of this eye.
    """
    middle = template[eyeball].mean(axis=0)
    rim = np.intersect1d(skin, socket)
    rim = rim[np.linalg.norm(template[rim] - middle, axis=1) < _NEAR]
    x, height = template[rim, 0], template[rim, 2]
    level = np.interp(x, *_chord(x, height))
    places = x.min() + np.array(_STATIONS, np.float32) * (x.max() - x.min())
    upper, lower = (
        np.array([part[np.argmin(np.abs(template[part, 0] - place))] for place in places], np.int32)
        for part in (rim[height > level], rim[height <= level])
    )
    followers, moves = blink.of(action)
    # Lashes and lids move together; the weight of a station is the same for both.
    station = interpolation_parts(template[followers, 0], places)
    whole = np.zeros_like(template)
    whole[followers] = moves
    front = skin[np.linalg.norm(template[skin] - middle, axis=1) < _NEAR]
    return Eyelids(
        eyeball=eyeball,
        upper=upper,
        lower=lower,
        followers=followers,
        moves=moves,
        station=station.astype(np.float32),
        drop=whole[lower, 2] - whole[upper, 2],
        skin=front,
    )


def _chord(x: Floats, height: Floats) -> tuple[Floats, Floats]:
    """The line from one corner of the eye to the other, as points for interpolation."""
    ends = np.array([np.argmin(x), np.argmax(x)])
    return x[ends], height[ends]
