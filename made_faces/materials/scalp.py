"""The scalp, which takes the colour of the hair that grows from it."""

from __future__ import annotations

import numpy as np

from made_faces.curves import smooth_ramp
from made_faces.face_model.identity import Identity
from made_faces.hair.haircut import haircut_of
from made_faces.hair.hairline import hair_density
from made_faces.materials.places import Places
from made_faces.surface import Floats

_COVER = {"short": 0.85, "cap": 0.88, "long": 0.88, "buzz": 0.6, "bald": 0.0}
"""How much of the scalp each style hides."""


def scalp(skin: Places, identity: Identity) -> Floats:
    """[P] part of each point of the skin that the roots of the hair cover."""
    cut = haircut_of(identity)
    if cut is None:
        return np.zeros_like(skin.x)
    grown = hair_density(np.stack([skin.x, skin.y, skin.z], axis=1), cut)
    grown *= 1 - smooth_ramp(0.02, 0.10, skin.ears)
    strands = 1 + 0.10 * skin.grain
    part: Floats = np.clip(grown * strands * _COVER[identity.hair_style], 0, 0.95)
    return part
