"""Eyeballs: white, iris and pupil."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from made_faces.curves import bell, smooth_ramp
from made_faces.face_model.identity import Identity
from made_faces.materials.places import Actions
from made_faces.noise import noise
from made_faces.surface import Floats

ROUGHNESS = 0.09
SPECULAR = 1.4
"""Wet, so that lamps show as sharp catch lights."""

SOCKET_SPECULAR = 0.6

_IRIS_EDGE = 24.0
_PUPIL_EDGE = 9.5
"""Angles from the eye's axis in degrees, as seen from its centre; the iris is 6 mm in radius."""
_PUPIL_GROWTH = 2.5
"""Degrees that widened eyes add to the pupil."""

_WHITE = np.array([0.60, 0.56, 0.515], np.float32)
_PINK = np.array([0.06, 0.48, 0.42], np.float32)
"""What the vessels towards the corners take from red, green and blue, as exponents."""
_PUPIL = 0.006
_FLESH = np.array([0.75, 0.42, 0.40], np.float32)


def eye_albedo(template: Floats, centre: Floats, identity: Identity, actions: Actions) -> Floats:
    """[P, 3] of points [P, 3] of one eyeball around `centre` [3], all on the base head.

    The pattern lies on the ball by direction, so that it turns with the eye.
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
    """[3] the moist flesh behind the edge of the lids."""
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
    """Fibres from pupil to rim, a lighter ruff around the pupil and a dark ring outside."""
    fibres = noise("strand2", turn + identity.texture_offsets[2], angle / 60)
    fine = noise("strand", turn + identity.texture_offsets[4], angle / 70)
    ruff = bell((angle - 13.5) / 3.2)
    ring = smooth_ramp(_IRIS_EDGE - 5.0, _IRIS_EDGE - 0.3, angle)
    light = 1 + 0.30 * fibres + 0.15 * fine + 0.45 * ruff - 0.78 * ring
    # The cornea gathers the light that falls from above in the lower half of the iris.
    light += 1.1 * np.maximum(-direction[:, 2], 0)
    base = np.asarray(identity.iris, np.float32)
    warm = base * np.array([1.25, 1.0, 0.72], np.float32)
    colour = base + (warm - base) * ruff[:, None]
    albedo: Floats = colour * np.maximum(light, 0.08)[:, None]
    return albedo
