"""Light on things without skin's subtleties: what is matte scatters it, what shines mirrors it."""

from __future__ import annotations

import numpy as np

from made_faces.geometry import TOWARDS_CAMERA, unit
from made_faces.scene.scene import Lighting
from made_faces.surface import Floats

SKY_MEAN, SKY_GAIN = np.float32(0.62), np.float32(0.38)
"""Parts of the light from around that reach whatever faces sideways, and more what faces up."""
SCATTERED = np.float32(0.62)
"""What a white surface scatters to the camera of the light that falls on it."""


def halfway(lighting: Lighting) -> Floats:
    """[3] the unit normal that mirrors the key light towards the camera."""
    return unit(lighting.key + TOWARDS_CAMERA)


def light_matte(normal: Floats, lighting: Lighting, wrap: float = 0.15) -> Floats:
    """[P, 3] light that a white matte surface sends out; `wrap` lets it reach round the edge."""
    softness = np.float32(wrap)
    light = lighting.ambient * (SKY_MEAN + SKY_GAIN * normal[:, 2:])
    for direction, colour in (
        (lighting.key, lighting.key_colour),
        (lighting.fill, lighting.fill_colour),
    ):
        facing = np.clip((normal @ direction + softness) / (1 + softness), 0, 1)
        light = light + facing[:, None] * colour
    rim = np.clip(normal @ lighting.rim, 0, 1) * np.float32(lighting.rim_strength)
    lit: Floats = ((light + rim[:, None]) * SCATTERED).astype(np.float32)
    return lit


def light_shine(normal: Floats, lighting: Lighting, sharpness: float) -> Floats:
    """[P, 3] the key light's reflection; `sharpness` as Blinn and Phong's exponent."""
    shine = np.power(np.clip(normal @ halfway(lighting), 0, 1), np.float32(sharpness))
    glint: Floats = (shine[:, None] * lighting.key_colour).astype(np.float32)
    return glint
