"""How hair catches light: as threads, after Kajiya and Kay, and as the volume that they fill."""

from __future__ import annotations

import numpy as np

from made_faces.renderer.plain_light import SCATTERED, halfway
from made_faces.scene.scene import Lighting
from made_faces.surface import Floats


def light_hair(
    along: Floats, outward: Floats, openness: Floats, tint: Floats, lighting: Lighting
) -> Floats:
    """[..., 3] light from threads.

    along, outward [..., 3] unit vectors along the thread and out of the hair; openness [...] 0 deep
    inside to 1 at the surface; tint [..., 3] colour of the hair.
    """
    sky = lighting.ambient * (0.6 + 0.4 * outward[..., 2:])
    matte = sky * openness[..., None]
    for direction, colour in (
        (lighting.key, lighting.key_colour),
        (lighting.fill, lighting.fill_colour),
    ):
        cosine = along @ direction
        thread = np.sqrt(np.clip(1 - np.square(cosine), 0, 1))
        # The volume's own shadow, soft because light seeps between the threads.
        facing = np.clip((outward @ direction + 0.35) / 1.35, 0, 1)
        matte = matte + (thread * facing * openness)[..., None] * (colour * np.float32(0.8))
    back = np.clip(outward @ lighting.rim, 0, 1) * np.float32(lighting.rim_strength)
    matte = matte + back[..., None]
    shine = _shine(along, outward, lighting) * openness
    light = tint * matte * SCATTERED
    light = light + shine[..., None] * lighting.key_colour * (np.float32(0.013) + 0.25 * tint)
    return np.asarray(light, np.float32)


def _shine(along: Floats, outward: Floats, lighting: Lighting) -> Floats:
    """[...] the bright band that runs across combed hair."""
    # The scales of a hair tilt its mirror towards the root.
    tilted = along @ halfway(lighting) + np.float32(0.08)
    band = np.power(np.clip(1 - np.square(tilted), 0, 1), np.float32(24))
    shine: Floats = band * np.clip(outward @ lighting.key + 0.2, 0, 1)
    return shine
