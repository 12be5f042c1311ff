import numpy as np
import pytest
from fake_data.bare_head import scene

from voc_builder.synthetic.renderer.camera import Camera
from voc_builder.synthetic.renderer.sheets import (
    cast_soft_shadow,
    lay,
    light_matte,
    light_shine,
    see,
)
from voc_builder.synthetic.renderer.surface import Canvas, Floats

CAMERA = Camera(32, 32, 32.0, (16.0, 16.0), np.zeros(3, np.float32), 1.0)
# Two triangles across the view, counter-clockwise for the camera.
SQUARE = np.array([[-0.25, 0, -0.25], [0.25, 0, -0.25], [0.25, 0, 0.25], [-0.25, 0, 0.25]])
POINTS: Floats = SQUARE.astype(np.float32)
NORMALS: Floats = np.tile(np.array([0, -1, 0], np.float32), (4, 1))
TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def empty(nearness: float = 0.0) -> Canvas:
    return Canvas(
        np.full((32, 32, 3), 0.5, np.float32),
        np.ones((32, 32), np.float32),
        np.full((32, 32), nearness, np.float32),
    )


def test_sees_the_square_and_what_it_carries() -> None:
    seen = see(empty(), CAMERA, POINTS, NORMALS, POINTS, TRIANGLES)
    assert len(seen.rows) == 16 * 16
    np.testing.assert_allclose(seen.values, seen.position, atol=1e-6)
    np.testing.assert_allclose(seen.position[:, 0], (seen.columns - 15.5) / 32, atol=1e-5)


@pytest.mark.parametrize(("nearness", "slack", "count"), [(1.1, 0.0, 0), (1.1, 0.2, 256)])
def test_hidden_unless_within_the_slack(nearness: float, slack: float, count: int) -> None:
    seen = see(empty(nearness), CAMERA, POINTS, NORMALS, POINTS, TRIANGLES, slack=slack)
    assert len(seen.rows) == count


def test_a_back_is_seen_only_if_asked() -> None:
    back = TRIANGLES[:, ::-1].copy()
    assert len(see(empty(), CAMERA, POINTS, -NORMALS, POINTS, back).rows) == 0
    seen = see(empty(), CAMERA, POINTS, -NORMALS, POINTS, back, cull=False)
    np.testing.assert_allclose(seen.normal, NORMALS[:1].repeat(256, axis=0))


def test_lay_mixes_and_hides() -> None:
    canvas = empty()
    seen = see(canvas, CAMERA, POINTS, NORMALS, POINTS, TRIANGLES)
    alpha = np.where(seen.columns < 16, 0.25, 0.75).astype(np.float32)
    lay(canvas, seen, np.ones((256, 3), np.float32), alpha)
    np.testing.assert_allclose(canvas.colour[16, [10, 20], 0], [0.625, 0.875])
    np.testing.assert_allclose(canvas.nearness[16, [10, 20]], [0, 1], atol=1e-6)
    assert canvas.alpha.max() == 1


def test_light_comes_from_its_side() -> None:
    lighting = scene().lighting
    normals = np.stack([lighting.key, -lighting.key])
    lit, dark = light_matte(normals, lighting)
    assert (lit > 2 * dark).all()
    half = lighting.key - np.array([0, 1, 0], np.float32)
    bright, dull = light_shine(np.stack([half / np.linalg.norm(half), -lighting.key]), lighting, 30)
    np.testing.assert_allclose(bright, lighting.key_colour, rtol=1e-4)
    assert dull.max() == 0


def test_a_shadow_falls_away_from_the_light() -> None:
    canvas = empty()
    cover = np.zeros((32, 32), np.float32)
    cover[14:18, 14:18] = 1
    cast_soft_shadow(canvas, cover, CAMERA, scene().lighting, fall=0.15)
    # The key light comes from the upper right.
    assert canvas.colour[20, 12, 0] < 0.47
    assert canvas.colour[12, 20, 0] > canvas.colour[20, 12, 0]
    # What casts it is not darkened by it, nor what lies far away.
    assert (canvas.colour[14:18, 14:18] == 0.5).all()
    assert canvas.colour[0, 31, 0] > 0.499
