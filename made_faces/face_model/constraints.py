"""Lids that meet and slide over the eyeball, however eyes are shaped and actions add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from made_faces.face_model.anny_files import Targets
from made_faces.surface import Floats, Ints
from made_faces.texture import interpolation_weights

_LIP_LINE_HEIGHT = 0.6607
"""Height in metres on the base head at which the lips part."""
_MOUTH_HALF_WIDTH = 0.0245
"""Half the width of the base mouth in metres."""
_LIPS_BACK = -0.13
"""y in metres: lips lie before it."""
_LIP_REACH = 0.006
"""Metres above and below the slit over which a lip gives way."""
_OVERLAP = np.float32(0.0004)
"""Metres by which lips at rest press into each other, so that no tooth shows between."""
_LIP_POINTS = 13
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
    point_weights: Floats
    """[N, K] parts of the stations whose gap a follower closes; rows sum to 1."""
    share: Floats
    """[N] part of the gap that a follower closes: positive upwards, from -0.5 to 0.5."""

    def close(self, points: Floats) -> None:
        """Move the lips of `points` [V, 3] in place until they just touch."""
        gap = points[self.upper, 2] - points[self.lower, 2] + _OVERLAP
        points[self.followers, 2] += self.share * (self.point_weights @ gap)


def find_lips(template: Floats, skin: Ints) -> Lips:
    """Find the lips on the base head; skin: the vertices of skin and mouth cavity."""
    x, y, z = template[skin].T
    near = skin[
        (y < _LIPS_BACK)
        & (np.abs(z - _LIP_LINE_HEIGHT) < 2.5 * _LIP_REACH)
        & (np.abs(x) < 1.4 * _MOUTH_HALF_WIDTH)
    ]
    x, _, z = template[near].T
    above = z > _LIP_LINE_HEIGHT
    places = np.linspace(-_MOUTH_HALF_WIDTH, _MOUTH_HALF_WIDTH, _LIP_POINTS)
    upper = [_lip_edge(template, near[above], place, lowest=True) for place in places]
    lower = [_lip_edge(template, near[~above], place, lowest=False) for place in places]
    inside = np.clip((1.4 - np.abs(x) / _MOUTH_HALF_WIDTH) / 0.3, 0, 1)
    closeness = np.exp(-(((z - _LIP_LINE_HEIGHT) / _LIP_REACH) ** 2)) * inside
    return Lips(
        upper=np.array(upper, np.int32),
        lower=np.array(lower, np.int32),
        followers=near,
        point_weights=interpolation_weights(x, places).astype(np.float32),
        share=(np.where(above, -0.5, 0.5) * closeness).astype(np.float32),
    )


def _lip_edge(template: Floats, lip: Ints, place: float, lowest: bool) -> int:
    """The vertex of one lip that comes nearest to the other at that x."""
    x, _, z = template[lip].T
    # Half a station's width of wandering sideways is worth less than a millimetre of height.
    height = z if lowest else -z
    return int(lip[np.argmin(height + np.float32(0.6) * np.abs(x - np.float32(place)))])


_UPPER_TEETH_DROP = np.float32(0.0025)
"""Metres by which the upper front teeth hang below the closed lips' slit; smiles bare them."""
_LOWER_TEETH_DROP = np.float32(0.0015)
"""Metres by which the lower front teeth stay below it."""
_TEETH_DEPTH = np.float32(0.0045)
"""Metres from where the lips touch back to the front teeth."""
_OVERJET = np.float32(0.0015)
"""Metres by which the lower row lies further back than it comes."""
_FRONT_TEETH_LIMIT = -0.14
"""y in metres on the base head before which teeth are front teeth."""


@dataclass(frozen=True)
class Teeth:
    """Both rows of teeth."""

    upper: Ints
    lower: Ints
    """The rows' vertices."""
    upper_front: Ints
    lower_front: Ints
    """Those among them that smiles bare."""

    def fit_to(self, points: Floats, lips: Lips) -> None:
        """Move the teeth of `points` [V, 3] in place behind closed lips, as one bite."""
        middle = slice(len(lips.upper) // 2 - 1, len(lips.upper) // 2 + 2)
        _, y, z = np.concatenate([points[lips.upper[middle]], points[lips.lower[middle]]]).mean(0)
        upper, lower = points[self.upper_front], points[self.lower_front]
        back = y + _TEETH_DEPTH - upper[:, 1].min()
        points[self.upper, 2] += z - _UPPER_TEETH_DROP - upper[:, 2].min()
        points[self.lower, 2] += z - _LOWER_TEETH_DROP - lower[:, 2].max()
        points[self.upper, 1] += back
        points[self.lower, 1] += back + _OVERJET


def find_teeth(template: Floats, upper: Ints, lower: Ints) -> Teeth:
    """Tell the front teeth on the base head from those beside; upper, lower: the rows' vertices."""
    fronts = [row[template[row, 1] < _FRONT_TEETH_LIMIT] for row in (upper, lower)]
    return Teeth(upper, lower, *fronts)


_CLOSED_LID_GAP = np.float32(0.0016)
"""Metres between the lids' inner rims when their edges touch."""
_EYEBALL_CLEARANCE = np.float32(0.0009)
"""Metres that the lids' skin keeps from the eyeball; triangles cut a little deeper."""
_LID_POINTS = (0.22, 0.35, 0.5, 0.65, 0.78)
"""Parts of the rim's width at which the opening is measured; beside them lids hardly move."""
_EYEBALL_REACH = 0.021
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
    point_weights: Floats
    """[N, K] each follower's parts of the stations; rows sum to 1."""
    drop: Floats
    """[K] by how much a whole blink narrows the opening, in metres."""
    skin: Ints
    """[M] vertices that could sink into the eyeball."""

    def correct(self, points: Floats, rest: Floats) -> None:
        """Take back, in place, what lets lids cross or eyeballs show through; rest: the shape."""
        opening = self._opening(points)
        closed = np.minimum(_CLOSED_LID_GAP, np.float32(0.3) * np.maximum(self._opening(rest), 0))
        excess = np.maximum(closed - opening, 0) / self.drop
        points[self.followers] -= self.moves * (self.point_weights @ excess)[:, None]
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
        least = np.minimum(
            np.linalg.norm(rest[self.skin] - middle, axis=1), radius + _EYEBALL_CLEARANCE
        )
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
    rim = rim[np.linalg.norm(template[rim] - middle, axis=1) < _EYEBALL_REACH]
    x, height = template[rim, 0], template[rim, 2]
    level = np.interp(x, *_chord(x, height))
    places = x.min() + np.array(_LID_POINTS, np.float32) * (x.max() - x.min())
    upper, lower = (
        np.array([part[np.argmin(np.abs(template[part, 0] - place))] for place in places], np.int32)
        for part in (rim[height > level], rim[height <= level])
    )
    followers, moves = blink.moves_of(action)
    # Lashes and lids move together; the weight of a station is the same for both.
    point_weights = interpolation_weights(template[followers, 0], places)
    whole = np.zeros_like(template)
    whole[followers] = moves
    front = skin[np.linalg.norm(template[skin] - middle, axis=1) < _EYEBALL_REACH]
    return Eyelids(
        eyeball=eyeball,
        upper=upper,
        lower=lower,
        followers=followers,
        moves=moves,
        point_weights=point_weights.astype(np.float32),
        drop=whole[lower, 2] - whole[upper, 2],
        skin=front,
    )


def _chord(x: Floats, height: Floats) -> tuple[Floats, Floats]:
    """The line from one corner of the eye to the other, as points for interpolation."""
    ends = np.array([np.argmin(x), np.argmax(x)])
    return x[ends], height[ends]
