"""Hair that is part of the skin's material: eyebrows, beard and the roots on the scalp.

The mesh has no eyebrows although they contribute most to an expression, so their position is moved
here by the facial actions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from made_faces.face_model.identity import Identity
from made_faces.hair.guides import hair_density
from made_faces.hair.haircut import haircut_of
from made_faces.materials.skin_points import Actions, SkinPoints, side_strength
from made_faces.surface import Floats
from made_faces.texture import gaussian, noise, smooth_ramp

_INNER_END = 0.012
_OUTER_END = 0.0565
"""Distances of the ends of a brow from the median plane in metres."""
_HEIGHT = 0.7520
"""Height of the inner ends on the base head in metres."""
_ARCH = 0.0044
"""Height of the middle of a brow above its ends in metres."""
_THICKNESS = 0.0046
"""Half the height of a brow at its inner end in metres."""
_HAIR_TILE = 0.040
"""Width in metres of a tile of strands, which contains about 60 hairs."""
_HAIR_LENGTH = 0.05
"""Length in metres of a tile of strands, about five hairs."""
_RISE_INSIDE = 0.94
_RISE_LOSS = 1.25
"""Sine of the angle at which hairs rise at the inner end, and its decrease to the outer end."""

# The mesh moves the skin under the brows too little; these are the additional displacements.
_FROWN_TOGETHER = 0.0022
_FROWN_DOWN = 0.0068
_INNER_RAISE = 0.0042
_OUTER_SINK = 0.0022
_OUTER_RAISE = 0.0020
"""Metres at weight 1 of the action."""
_HELD_UP = 0.82
"""Fraction of a frown's lowering that raised inner brows cancel."""
_MAX_ACTION = 1.5
"""Upper bound of the weight of an action."""


@dataclass(frozen=True)
class _BrowCoordinates:
    """Coordinates of points relative to the brow on their side, each [F]."""

    along: Floats
    """0 at the inner end to 1 at the outer end, and beyond."""
    above: Floats
    """Metres above the middle line of the brow."""
    across: Floats
    """Distance from the median plane in metres, reduced by a frown."""


def brows(face: SkinPoints, identity: Identity, actions: Actions) -> Floats:
    """[F] fraction of each point covered by brow hairs."""
    place = _brow_coordinates(face, identity, actions)
    coarse, fine = _hairs(place, face)
    half = _half_height(place.along, identity)
    # Strands displace the edge, so that it consists of the ends of hairs.
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
    """[3] darker than the hair of the head, and limited for white hair."""
    hair = np.asarray(identity.hair, np.float32) * 0.65
    colour: Floats = np.minimum(hair, 0.33 * np.asarray(identity.skin, np.float32) + 0.01)
    return colour


def near_brows(face: SkinPoints) -> NDArray[Any]:
    """[F] bool, points that a brow can reach in any expression."""
    return (face.z > 0.730) & (face.z < 0.777) & (face.across < 0.064) & (face.y < -0.06)


def _brow_coordinates(face: SkinPoints, identity: Identity, actions: Actions) -> _BrowCoordinates:
    left = face.left_weight()
    frown = np.minimum(side_strength(actions, "browDown", left), _MAX_ACTION)
    outer = np.minimum(side_strength(actions, "browOuterUp", left), _MAX_ACTION)
    inner = min(max(actions.get("browInnerUp", 0.0), 0.0), _MAX_ACTION)
    across = np.asarray(face.across + _FROWN_TOGETHER * frown, np.float32)
    along: Floats = (across - _INNER_END) * (1 / (_OUTER_END - _INNER_END))
    part = np.clip(along, 0, 1)
    inside = np.square(1 - part)
    outside = part * (2 - part)
    # The arch is highest two thirds of the way out; the outer end is below the inner one.
    arch = np.sin(part * (0.62 + 0.38 * part) * (np.pi * 0.92))
    middle = float(_HEIGHT + identity.brow_lift) + _ARCH * arch - 0.0030 * part
    # A frown draws raised inner brows together but hardly lowers them.
    down = frown * (1 - _HELD_UP * min(float(inner), 1))
    middle += inside * (_INNER_RAISE * inner - _FROWN_DOWN * down)
    middle += outside * _OUTER_RAISE * outer
    middle -= part * _OUTER_SINK * inner
    above: Floats = face.z - middle
    return _BrowCoordinates(along, above, across)


def _half_height(along: Floats, identity: Identity) -> Floats:
    """[F] half the height of the brow in metres: tapers outwards, rounded at the inner end."""
    part = np.clip(along, 0, 1)
    taper: Floats = _THICKNESS * np.sqrt(1 - part) * (1 - 0.18 * gaussian(along / 0.10))
    taper += 0.0008
    return taper * float(identity.brow_width)


def _hairs(place: _BrowCoordinates, face: SkinPoints) -> tuple[Floats, Floats]:
    """Return two layers of strands: upright at the inner end, horizontal, then downwards."""
    part = np.clip(place.along, 0, 1)
    rise = _RISE_INSIDE - _RISE_LOSS * part
    length = _OUTER_END - _INNER_END
    # The integral of the rise along the brow, so that strands keep their width as they turn.
    climbed = (_RISE_INSIDE - 0.5 * _RISE_LOSS * part) * part * length
    climbed += _RISE_INSIDE * length * np.minimum(place.along, 0)
    across_strand = place.above * np.sqrt(1 - rise * rise) - climbed
    strand_scale = face.strand_scale()
    along_strand = (face.z + place.across) / (_HAIR_LENGTH * strand_scale)
    side = np.where(face.x > 0, np.float32(0.37), np.float32(0))
    u = across_strand / (_HAIR_TILE * strand_scale)
    coarse = noise("strand", u + face.offsets[6] + side, along_strand)
    fine = noise("strand", u * 1.8 + face.offsets[7] + side, along_strand)
    single = 1 / (1 + 400 * face.pixel)
    return coarse * single, fine * single


_ROOTS = 0.6
"""Shadow on the skin between the hairs of a full beard."""
_TILES = 6
"""Tiles of strands per tile of skin: 4 cm wide, with about 60 hairs."""


def beard(face: SkinPoints, identity: Identity) -> tuple[Floats, Floats]:
    """Return the fraction covered by hair and the bump map in metres, each [F]."""
    if identity.beard <= 0:
        nothing = np.zeros_like(face.x)
        return nothing, nothing
    # Hairs run downwards and, on the cheeks, towards the chin.
    forwards = (face.z - 0.63) * np.sign(face.x)
    strands = noise(
        "strand",
        (face.noise_u + forwards) * (_TILES / face.strand_scale()),
        face.z * 7,
    )
    density = float(identity.beard)
    grown = beard_area(face) * (1 + 0.35 * face.blotches * (1 - density))
    part: Floats = np.clip(grown * density * (1.05 + 0.28 * strands + 0.15 * face.grain), 0, 0.94)
    bump: Floats = part * strands * (60e-6 * density)
    return part, bump


def beard_colour(identity: Identity) -> Floats:
    """[3] mix of the hair's colour and the shaded skin between; gray beards keep dark hairs."""
    hair = np.asarray(identity.hair, np.float32)
    skin = np.asarray(identity.skin, np.float32)
    shaded = np.minimum(hair * 0.8, 0.18 + 0.3 * hair)
    full = float(0.75 + 0.2 * identity.beard)
    colour: Floats = shaded * full + skin * (1 - _ROOTS) * (1 - full)
    return colour


def beard_area(face: SkinPoints) -> Floats:
    """[F] 1 where a beard grows: chin, jaw, upper lip and in front of the ears."""
    # Below this line, which rises from the corner of the mouth to the cheek bone.
    line = 0.660 + 0.5 * np.maximum(face.across - 0.032, 0)
    chin = smooth_ramp(0.006, -0.006, face.z - line)
    moustache = gaussian((face.z - 0.6765) / 0.0048) * gaussian(np.square(face.across / 0.024))
    sideburns = smooth_ramp(0.056, 0.065, face.across) * smooth_ramp(0.735, 0.70, face.z)
    grown = np.maximum(np.maximum(chin, moustache), sideburns)
    below_lip = face.blob(0.014, 0.6435, 0.007, 0.004)
    grown = grown * (1 - 0.75 * below_lip) * (1 - np.clip(face.lips * 2.2, 0, 1))
    neck = smooth_ramp(0.600, 0.630, face.z)
    bearded: Floats = grown * neck * smooth_ramp(-0.03, -0.06, face.y) * (1 - face.ears)
    return bearded


_COVER = {"short": 0.85, "cap": 0.88, "long": 0.88, "buzz": 0.6, "bald": 0.0}
"""Opacity of the roots by hair style."""


def scalp_hair(skin: SkinPoints, identity: Identity) -> Floats:
    """[P] fraction of each point covered by the roots of the hair."""
    cut = haircut_of(identity)
    if cut is None:
        return np.zeros_like(skin.x)
    grown = hair_density(np.stack([skin.x, skin.y, skin.z], axis=1), cut)
    grown *= 1 - smooth_ramp(0.02, 0.10, skin.ears)
    strands = 1 + 0.10 * skin.grain
    part: Floats = np.clip(grown * strands * _COVER[identity.hair_style], 0, 0.95)
    return part
