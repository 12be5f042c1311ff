import numpy as np
from fake_data.bare_head import scene

from made_faces.renderer.plain_light import halfway, light_matte, light_shine


def test_matte_things_are_lit_from_the_lights_side() -> None:
    lighting = scene().lighting
    lit, dark = light_matte(np.stack([lighting.key, -lighting.key]), lighting)
    assert (lit > 2 * dark).all()


def test_shine_is_brightest_half_way_to_the_camera() -> None:
    lighting = scene().lighting
    half = lighting.key - np.array([0, 1, 0], np.float32)
    np.testing.assert_allclose(halfway(lighting), half / np.linalg.norm(half), rtol=1e-6)
    bright, dull = light_shine(np.stack([halfway(lighting), -lighting.key]), lighting, 30)
    np.testing.assert_allclose(bright, lighting.key_colour, rtol=1e-4)
    assert dull.max() == 0
