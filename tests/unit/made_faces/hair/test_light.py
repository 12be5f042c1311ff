import numpy as np
from fake_data.bare_head import scene

from made_faces.hair.light import light_hair
from made_faces.surface import Floats

LIGHTING = scene().lighting
TINT = np.full((1, 3), 0.1, np.float32)


def lit(along: Floats, outward: Floats, openness: float = 1.0) -> float:
    """Brightness of one thread."""
    openly = np.full(1, openness, np.float32)
    return float(light_hair(along[None], outward[None], openly, TINT, LIGHTING).mean())


def across_the_key() -> Floats:
    thread = np.cross(LIGHTING.key, [0, 0, 1]).astype(np.float32)
    return thread / np.linalg.norm(thread)


def test_a_thread_across_the_light_is_brighter_than_one_along_it() -> None:
    assert lit(across_the_key(), LIGHTING.key) > 1.3 * lit(LIGHTING.key, LIGHTING.key)


def test_the_far_side_of_the_hair_is_dark() -> None:
    assert lit(across_the_key(), LIGHTING.key) > 2 * lit(across_the_key(), -LIGHTING.key)


def test_the_inside_of_the_hair_is_dark() -> None:
    assert lit(across_the_key(), LIGHTING.key, 0.2) < 0.4 * lit(across_the_key(), LIGHTING.key)


def test_single_precision_and_shape() -> None:
    along = np.zeros((4, 5, 3), np.float32)
    light = light_hair(along, along, np.ones((4, 5), np.float32), TINT[None], LIGHTING)
    assert light.shape == (4, 5, 3)
    assert light.dtype == np.float32
    assert np.isfinite(light).all()
