"""The shirt, painted on neck and shoulders below its collar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from made_faces.curves import bell, smooth_ramp
from made_faces.face_model.identity import Identity
from made_faces.materials.places import Places
from made_faces.noise import noise
from made_faces.surface import Floats

ROUGHNESS, SPECULAR = 0.85, 0.15

_RIB = 0.011
"""Height of the collar's knitted band in metres."""


@dataclass(frozen=True)
class Cloth:
    """What the shirt adds, one row a point."""

    part: Floats
    """[P] 1 where there is cloth."""
    albedo: Floats
    """[P, 3]."""
    relief: Floats
    """[P] metres."""


def shirt(skin: Places, identity: Identity) -> Cloth:
    """The shirt over the points of the skin."""
    below = _below_collar(skin, identity)
    part = smooth_ramp(-0.0012, 0.0012, below)
    weave = noise("fine", skin.x * 7, skin.z * 7)
    folds = noise("low", skin.x * 2.5 + skin.offsets[2], skin.z * 2.5)
    rib = smooth_ramp(_RIB + 0.0006, _RIB - 0.0006, below)
    seam = bell((below - _RIB) / 0.0011)
    light = 1 + 0.05 * weave + 0.05 * folds - 0.28 * seam - 0.06 * rib
    albedo = np.asarray(identity.shirt, np.float32) * light[:, None]
    relief = 0.0011 * rib + 0.0009 * folds - 0.0006 * seam
    return Cloth(part, albedo, relief * part)


def _below_collar(skin: Places, identity: Identity) -> Floats:
    """[P] metres below the collar, which hangs lower in front and rises to the neck's sides."""
    front = np.maximum(-skin.y - 0.02, 0)
    middle = np.maximum(0.10 - skin.across, 0)
    below: Floats = float(identity.collar) - 0.34 * front - 0.10 * middle - skin.z
    return below
