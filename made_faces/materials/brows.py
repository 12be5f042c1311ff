"""Eyebrows, painted: the head has no mesh for them, and they tell most of an expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from made_faces.curves import bell, smooth_ramp
from made_faces.face_model.identity import Identity
from made_faces.materials.places import Actions, Places, sided
from made_faces.noise import noise
from made_faces.surface import Floats

_INNER_END = 0.012
_OUTER_END = 0.0565
"""Distances of a brow's ends from the middle plane in metres."""
_HEIGHT = 0.7520
"""Of the brows' inner ends on the base head, in metres."""
_ARCH = 0.0044
"""How far the middle of the brow lies above its ends, in metres."""
_THICKNESS = 0.0046
"""Half the brow's height at its inner end, in metres."""
_HAIR_TILE = 0.040
"""Width in metres of a tile of strands, which holds some 60 hairs."""
_HAIR_LENGTH = 0.05
"""Length in metres of a tile of strands, about five hairs."""
_RISE_INSIDE = 0.94
_RISE_LOSS = 1.25
"""Sine of the angle at which hairs rise at the inner end, and what it loses to the outer end."""

# The skin carries the brow along, but the mesh moves it too little. The paint moves the rest.
_FROWN_TOGETHER = 0.0022
_FROWN_DOWN = 0.0068
_INNER_RAISE = 0.0042
_OUTER_SINK = 0.0022
_OUTER_RAISE = 0.0020
"""Metres at full strength of the action."""
_HELD_UP = 0.82
"""Part of a frown's lowering that raised inner brows hold up."""
_MOST = 1.5
"""Actions move the brow no further than at this strength."""


@dataclass(frozen=True)
class _BrowPlace:
    """Where points lie on their side's brow, each [F]."""

    along: Floats
    """0 at its inner end to 1 at its outer, and beyond."""
    above: Floats
    """Metres above its middle line."""
    across: Floats
    """Distance from the middle plane, drawn together by a frown, in metres."""


def brows(face: Places, identity: Identity, actions: Actions) -> Floats:
    """[F] part of each point that the hairs of the brows cover."""
    place = _on_the_brow(face, identity, actions)
    coarse, fine = _hairs(place, face)
    half = _half_height(place.along, identity)
    # Strands push the edge outwards and inwards, so that it is made of the ends of hairs.
    ragged = place.above / half + 0.30 * coarse + 0.12 * fine
    body = np.exp(-np.square(ragged) * np.abs(ragged))
    begin = smooth_ramp(-0.05, 0.20, place.along + 0.05 * coarse)
    end = smooth_ramp(1.04, 0.80, place.along + 0.05 * fine)
    fuller_inside = 1 - 0.30 * np.clip(place.along, 0, 1)
    cover = body * (0.30 + 0.70 * begin) * smooth_ramp(-0.09, 0.03, place.along) * end
    cover *= fuller_inside * (1 + 0.26 * coarse + 0.18 * fine)
    part: Floats = np.clip(cover * float(identity.brow_density * 1.35), 0, 0.94)
    return part * face.front


def brow_colour(identity: Identity) -> Floats:
    """[3] darker than the hair of the head, and never as white."""
    hair = np.asarray(identity.hair, np.float32) * 0.65
    colour: Floats = np.minimum(hair, 0.33 * np.asarray(identity.skin, np.float32) + 0.01)
    return colour


def near_brows(face: Places) -> NDArray[Any]:
    """[F] bool, the points that a brow can reach, whatever the expression."""
    return (face.z > 0.730) & (face.z < 0.777) & (face.across < 0.064) & (face.y < -0.06)


def _on_the_brow(face: Places, identity: Identity, actions: Actions) -> _BrowPlace:
    left = face.left_part()
    frown = np.minimum(sided(actions, "browDown", left), _MOST)
    outer = np.minimum(sided(actions, "browOuterUp", left), _MOST)
    inner = min(max(actions.get("browInnerUp", 0.0), 0.0), _MOST)
    across = np.asarray(face.across + _FROWN_TOGETHER * frown, np.float32)
    along: Floats = (across - _INNER_END) * (1 / (_OUTER_END - _INNER_END))
    part = np.clip(along, 0, 1)
    inside = np.square(1 - part)
    outside = part * (2 - part)
    # The arch peaks two thirds of the way out, and the tail falls below the inner end.
    arch = np.sin(part * (0.62 + 0.38 * part) * (np.pi * 0.92))
    middle = float(_HEIGHT + identity.brow_lift) + _ARCH * arch - 0.0030 * part
    # Raised inner brows are drawn together by a frown, and hardly down.
    down = frown * (1 - _HELD_UP * min(float(inner), 1))
    middle += inside * (_INNER_RAISE * inner - _FROWN_DOWN * down)
    middle += outside * _OUTER_RAISE * outer
    middle -= part * _OUTER_SINK * inner
    above: Floats = face.z - middle
    return _BrowPlace(along, above, across)


def _half_height(along: Floats, identity: Identity) -> Floats:
    """[F] half the brow's height in metres: tapers outwards, rounds off at the inner end."""
    part = np.clip(along, 0, 1)
    taper: Floats = _THICKNESS * np.sqrt(1 - part) * (1 - 0.18 * bell(along / 0.10))
    taper += 0.0008
    return taper * float(identity.brow_width)


def _hairs(place: _BrowPlace, face: Places) -> tuple[Floats, Floats]:
    """Two layers of strands: they stand up inside, lie outwards in the middle and sink outside."""
    part = np.clip(place.along, 0, 1)
    rise = _RISE_INSIDE - _RISE_LOSS * part
    length = _OUTER_END - _INNER_END
    # The integral of the rise along the brow, so that the strands keep their width as they turn.
    climbed = (_RISE_INSIDE - 0.5 * _RISE_LOSS * part) * part * length
    climbed += _RISE_INSIDE * length * np.minimum(place.along, 0)
    across_strand = place.above * np.sqrt(1 - rise * rise) - climbed
    tuft = face.tuft()
    along_strand = (face.z + place.across) / (_HAIR_LENGTH * tuft)
    side = np.where(face.x > 0, np.float32(0.37), np.float32(0))
    u = across_strand / (_HAIR_TILE * tuft)
    coarse = noise("strand", u + face.offsets[6] + side, along_strand)
    fine = noise("strand", u * 1.8 + face.offsets[7] + side, along_strand)
    single = 1 / (1 + 400 * face.pixel)
    return coarse * single, fine * single
