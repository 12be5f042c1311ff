"""Albedo and bump map of eyes, lips, teeth, gums, tongue and mouth cavity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from made_faces.face_model.identity import Identity
from made_faces.materials.skin_points import Actions, SkinPoints
from made_faces.surface import Floats
from made_faces.texture import gaussian, noise, smooth_ramp

EYE_ROUGHNESS = 0.09
EYE_SPECULAR = 1.4
"""Wet, so that lamps appear as sharp highlights."""

SOCKET_SPECULAR = 0.6

_IRIS_EDGE = 24.0
_PUPIL_EDGE = 9.5
"""Angles from the axis of the eye in degrees, seen from its centre; the iris has a radius of 6 mm.
"""
_PUPIL_GROWTH = 2.5
"""Degrees added to the pupil by widened eyes."""

_WHITE = np.array([0.60, 0.56, 0.515], np.float32)
_PINK = np.array([0.06, 0.48, 0.42], np.float32)
"""Absorption of red, green and blue light by vessels towards the corners, as exponents."""
_PUPIL = 0.006
_FLESH = np.array([0.75, 0.42, 0.40], np.float32)


def eye_albedo(template: Floats, centre: Floats, identity: Identity, actions: Actions) -> Floats:
    """[P, 3] albedo of points [P, 3] of one eyeball around `centre` [3], on the base head.

    The pattern depends on the direction from the centre, so that it rotates with the eye.
    """
    direction = template - np.asarray(centre, np.float32)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    angle = np.degrees(np.arccos(np.clip(-direction[:, 1], -1, 1)))
    turn = np.arctan2(direction[:, 2], direction[:, 0]) * (0.5 / np.pi)
    albedo = _white(angle, turn, identity)
    iris = _iris(angle, turn, direction, identity)
    inside = smooth_ramp(_IRIS_EDGE + 1.0, _IRIS_EDGE - 1.4, angle)[:, None]
    albedo += (iris - albedo) * inside
    wide = min(max(actions.get("eyeWideLeft", 0.0), 0.0), 1.0)
    edge = _PUPIL_EDGE + _PUPIL_GROWTH * wide
    pupil = smooth_ramp(edge + 0.8, edge - 0.8, angle)[:, None]
    albedo += (_PUPIL - albedo) * pupil
    return albedo


def socket_colour(identity: Identity) -> Floats:
    """[3] colour of the moist skin behind the edge of the lids."""
    return np.asarray(identity.skin, np.float32) * _FLESH


def _white(angle: Floats, turn: NDArray[Any], identity: Identity) -> Floats:
    """White, pink towards the corners, with thin vessels that run to the iris."""
    corners = smooth_ramp(30, 68, angle)
    strands = noise("strand", turn + identity.texture_offsets[1], angle / 140)
    vessels = np.clip(strands - 1.1, 0, 1) * corners
    tired = 0.8 + 0.5 * float(identity.texture_offsets[7]) + 0.3 * max(identity.age - 0.6, 0)
    redness = float(tired) * (0.55 * corners + 0.5 * vessels)
    yellow = np.array([1.0, 1 - 0.03 * identity.age, 1 - 0.12 * identity.age], np.float32)
    albedo: Floats = _WHITE * yellow * np.exp(-redness[:, None] * _PINK)
    return albedo


def _iris(angle: Floats, turn: NDArray[Any], direction: Floats, identity: Identity) -> Floats:
    """Fibres from pupil to rim, a lighter ring around the pupil and a dark ring outside."""
    fibres = noise("strand2", turn + identity.texture_offsets[2], angle / 60)
    fine = noise("strand", turn + identity.texture_offsets[4], angle / 70)
    ruff = gaussian((angle - 13.5) / 3.2)
    ring = smooth_ramp(_IRIS_EDGE - 5.0, _IRIS_EDGE - 0.3, angle)
    light = 1 + 0.30 * fibres + 0.15 * fine + 0.45 * ruff - 0.78 * ring
    # The cornea focuses light from above onto the lower half of the iris.
    light += 1.1 * np.maximum(-direction[:, 2], 0)
    base = np.asarray(identity.iris, np.float32)
    warm = base * np.array([1.25, 1.0, 0.72], np.float32)
    colour = base + (warm - base) * ruff[:, None]
    albedo: Floats = colour * np.maximum(light, 0.08)[:, None]
    return albedo


LIPS_SPECULAR = 1.0
LIPS_ROUGHNESS_OFFSET = -0.09
"""Added to the roughness of the skin."""
TEETH_ROUGHNESS, TEETH_SPECULAR = 0.20, 0.9
TONGUE_ROUGHNESS, TONGUE_SPECULAR = 0.40, 0.6
CAVITY_ROUGHNESS, CAVITY_SPECULAR = 0.50, 0.2

_MOUTH_LINE = 0.6600
"""Height in metres at which the lips meet."""
_LIP_TILE = 0.055
"""Width in metres of a tile of the creases of the lips."""

_IVORY = np.array([0.90, 0.84, 0.71], np.float32)
_GUM = np.array([0.42, 0.125, 0.115], np.float32)
_GAP = np.array([0.30, 0.20, 0.14], np.float32)
_TONGUE = np.array([0.44, 0.125, 0.115], np.float32)
_CAVITY = np.array([0.17, 0.030, 0.026], np.float32)

_ARCH_CENTRE = -0.115
"""y in metres of the centre of the dental arch."""


@dataclass(frozen=True)
class _Row:
    """One row of teeth, from the middle to one side; lengths in metres."""

    arch: tuple[tuple[float, ...], tuple[float, ...]]
    """Angles around the centre of the arch in radians, and the lengths along the arch."""
    edge: tuple[tuple[float, ...], tuple[float, ...]]
    """|x| and the height of the biting edge at that x."""
    upwards: int
    """1 where the roots are above the edge, -1 below."""
    widths: tuple[float, ...]
    """Widths of incisors, canine, premolars and molars."""
    crowns: tuple[float, ...]
    """Their heights from edge to gum."""


_UPPER = _Row(
    arch=(
        (0.0, 0.239, 0.534, 0.811, 1.107, 1.449, 1.690, 1.900, 2.090),
        (0.0, 0.0086, 0.0187, 0.0280, 0.0368, 0.0463, 0.0530, 0.0600, 0.0680),
    ),
    edge=(
        (0.0, 0.0089, 0.0174, 0.0221, 0.0254, 0.0284, 0.0311),
        (0.6598, 0.6604, 0.6620, 0.6640, 0.6657, 0.6676, 0.6704),
    ),
    upwards=1,
    widths=(0.0086, 0.0068, 0.0077, 0.0070, 0.0068, 0.0100, 0.0095, 0.0095),
    crowns=(0.0112, 0.0098, 0.0110, 0.0092, 0.0085, 0.0080, 0.0080, 0.0080),
)
_LOWER = _Row(
    arch=(
        (0.0, 0.300, 0.640, 0.916, 1.223, 1.553, 1.780, 1.960, 2.140),
        (0.0, 0.0093, 0.0196, 0.0280, 0.0368, 0.0461, 0.0529, 0.0595, 0.0670),
    ),
    edge=(
        (0.0, 0.0091, 0.0177, 0.0222, 0.0256, 0.0284, 0.0311),
        (0.6593, 0.6596, 0.6612, 0.6631, 0.6649, 0.6665, 0.6713),
    ),
    upwards=-1,
    widths=(0.0054, 0.0059, 0.0069, 0.0071, 0.0072, 0.0110, 0.0105, 0.0100),
    crowns=(0.0092, 0.0092, 0.0104, 0.0090, 0.0085, 0.0080, 0.0080, 0.0080),
)


def lip_coverage(face: SkinPoints) -> Floats:
    """[F] fraction of a point that is lip; the border is soft."""
    return smooth_ramp(0.12, 0.80, face.lips + 0.03 * face.grain)


def lip_albedo(face: SkinPoints, identity: Identity) -> Floats:
    """[F, 3] colour of the lips, darker inside, with vertical creases."""
    skin = np.asarray(identity.skin, np.float32)
    own = skin * np.array([0.84, 0.60, 0.60], np.float32)
    # The brightness of lip colour is limited by the brightness of the skin.
    tint = np.asarray(identity.lips, np.float32) * min(0.3 + 2.0 * float(skin.mean()), 1.05)
    colour = own + (tint - own) * float(0.85 * identity.lip_tint)
    above = face.z - _MOUTH_LINE
    inside = gaussian(above / 0.0032)
    lower = smooth_ramp(0.0005, -0.0040, above) * float(0.10 + 0.10 * identity.darkness)
    light = 1 - 0.26 * inside + lower + 0.04 * lip_creases(face) + 0.03 * face.blotches
    warm = np.array([1.0, 0.88, 0.90], np.float32)
    albedo: Floats = colour * light[:, None] * (1 + (warm - 1) * inside[:, None])
    return albedo


def lip_creases(face: SkinPoints) -> Floats:
    """[F] noise with vertical streaks."""
    return noise(
        "strand",
        face.x / (_LIP_TILE * face.strand_scale()) + face.offsets[0],
        face.z * 9 + face.offsets[1],
    )


def lip_bump(face: SkinPoints) -> Floats:
    """[F] height in metres of the creases and of the raised border."""
    rim = gaussian((face.lips - 0.45) / 0.25)
    return 45e-6 * lip_creases(face) + 120e-6 * rim


def upper_teeth(template: Floats) -> tuple[Floats, Floats]:
    """Albedo [P, 3] and bump map [P] in metres of points [P, 3] of the upper teeth and gums."""
    return _teeth(template, _UPPER)


def lower_teeth(template: Floats) -> tuple[Floats, Floats]:
    """Albedo [P, 3] and bump map [P] in metres of points [P, 3] of the lower teeth and gums."""
    return _teeth(template, _LOWER)


def tongue_albedo(template: Floats) -> Floats:
    """[P, 3] red, rough with papillae, with a groove along the middle."""
    papillae = noise("fine", template[:, 0] * 14, template[:, 1] * 14)
    groove = gaussian(template[:, 0] / 0.0016)
    light = 1 + 0.10 * papillae - 0.22 * groove
    return _TONGUE * light[:, None]


def cavity_albedo(template: Floats) -> Floats:
    """[P, 3] uniform wet red."""
    return np.broadcast_to(_CAVITY, template.shape)


def _teeth(template: Floats, row: _Row) -> tuple[Floats, Floats]:
    across = np.abs(template[:, 0])
    angle = np.arctan2(across, _ARCH_CENTRE - template[:, 1])
    along = np.interp(angle, *row.arch).astype(np.float32)
    height = (template[:, 2] - np.interp(across, *row.edge).astype(np.float32)) * row.upwards
    limits = np.cumsum((0.0, *row.widths)).astype(np.float32)
    tooth = np.clip(np.searchsorted(limits, along, side="right") - 1, 0, len(row.widths) - 1)
    widths = np.asarray(row.widths, np.float32)[tooth]
    crowns = np.asarray(row.crowns, np.float32)[tooth]
    beside = (along - limits[tooth]) / widths * 2 - 1
    gum_line = crowns - 0.0024 * np.square(beside)
    gum = smooth_ramp(-0.0004, 0.0006, height - gum_line)
    # Gaps between teeth are wider at the biting edge, where corners are round; beside a gap the
    # surface turns away from the light.
    aside = (1 - np.abs(beside)) * widths * 0.5
    corner = np.square(smooth_ramp(0.0026, 0.0, height))
    slit = gaussian(aside / (0.00032 + 0.00070 * corner)) * (1 - 0.7 * gum)
    turned = 0.16 * gaussian(aside / 0.0013)
    # Enamel is clearer at the edge and yellower at the neck and on the canine.
    neck = np.clip(height / crowns, 0, 1)
    yellow = 0.22 * neck * neck + np.where(tooth == 2, np.float32(0.16), np.float32(0))
    enamel = _IVORY * np.exp(-yellow[:, None] * np.array([0.12, 0.30, 0.75], np.float32))
    albedo = enamel + (_GAP - enamel) * (0.8 * slit + turned * (1 - slit))[:, None]
    albedo += (_GUM * (1 - 0.25 * slit)[:, None] - albedo) * gum[:, None]
    bump = -0.00025 * np.square(beside) * (1 - gum) + 0.0001 * gum
    return albedo, bump
