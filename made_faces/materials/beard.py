"""The hair of a beard, painted on the skin."""

from __future__ import annotations

import numpy as np

from made_faces.curves import bell, smooth_ramp
from made_faces.face_model.identity import Identity
from made_faces.materials.places import Places
from made_faces.noise import noise
from made_faces.surface import Floats

_ROOTS = 0.6
"""The skin between the hairs of a full beard lies in their shadow."""
_TILES = 6
"""Tiles of strands for each tile of skin: they are 4 cm wide and hold some 60 hairs."""


def beard(face: Places, identity: Identity) -> tuple[Floats, Floats]:
    """Part of each point that hair covers, and the beard's relief in metres, each [F]."""
    if identity.beard <= 0:
        nothing = np.zeros_like(face.x)
        return nothing, nothing
    # The hairs run down and, on the cheeks, forwards to the chin.
    forwards = (face.z - 0.63) * np.sign(face.x)
    strands = noise(
        "strand",
        (face.around + forwards) * (_TILES / face.tuft()),
        face.z * 7,
    )
    density = float(identity.beard)
    grown = jaw(face) * (1 + 0.35 * face.blotches * (1 - density))
    part: Floats = np.clip(grown * density * (1.05 + 0.28 * strands + 0.15 * face.grain), 0, 0.94)
    relief: Floats = part * strands * (60e-6 * density)
    return part, relief


def beard_colour(identity: Identity) -> Floats:
    """[3] a mix of the hair's own colour and the shaded skin between; gray ones keep dark hairs."""
    hair = np.asarray(identity.hair, np.float32)
    skin = np.asarray(identity.skin, np.float32)
    shaded = np.minimum(hair * 0.8, 0.18 + 0.3 * hair)
    full = float(0.75 + 0.2 * identity.beard)
    colour: Floats = shaded * full + skin * (1 - _ROOTS) * (1 - full)
    return colour


def jaw(face: Places) -> Floats:
    """[F] 1 where a beard grows: chin, jaw, upper lip and the strip before the ears."""
    # Below this line, which climbs from the corner of the mouth to the cheek bone.
    line = 0.660 + 0.5 * np.maximum(face.across - 0.032, 0)
    chin = smooth_ramp(0.006, -0.006, face.z - line)
    moustache = bell((face.z - 0.6765) / 0.0048) * bell(np.square(face.across / 0.024))
    sideburns = smooth_ramp(0.056, 0.065, face.across) * smooth_ramp(0.735, 0.70, face.z)
    grown = np.maximum(np.maximum(chin, moustache), sideburns)
    below_lip = face.blob(0.014, 0.6435, 0.007, 0.004)
    grown = grown * (1 - 0.75 * below_lip) * (1 - np.clip(face.lips * 2.2, 0, 1))
    neck = smooth_ramp(0.600, 0.630, face.z)
    bearded: Floats = grown * neck * smooth_ramp(-0.03, -0.06, face.y) * (1 - face.ears)
    return bearded
