import numpy as np
import pytest
from fake_data.bare_head import scene
from fake_data.plain_canvas import empty

from made_faces.renderer.camera import Camera
from made_faces.renderer.overlays import (
    cast_soft_shadow,
    lay,
    see,
)
from made_faces.surface import Canvas, Floats

CAMERA = Camera(32, 32, 32.0, (16.0, 16.0), np.zeros(3, np.float32), 1.0)
# Two triangles across the view, counter-clockwise for the camera.
SQUARE = np.array([[-0.25, 0, -0.25], [0.25, 0, -0.25], [0.25, 0, 0.25], [-0.25, 0, 0.25]])
POINTS: Floats = SQUARE.astype(np.float32)
NORMALS: Floats = np.tile(np.array([0, -1, 0], np.float32), (4, 1))
TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def gray(nearness: float = 0.0) -> Canvas:
    return empty(32, colour=0.5, alpha=1.0, nearness=nearness)


def test_sees_the_square_and_what_it_carries() -> None:
    seen = see(gray(), CAMERA, POINTS, NORMALS, POINTS, TRIANGLES)
    assert len(seen.rows) == 16 * 16
    np.testing.assert_allclose(seen.values, seen.position, atol=1e-6)
    np.testing.assert_allclose(seen.position[:, 0], (seen.columns - 15.5) / 32, atol=1e-5)


@pytest.mark.parametrize(("nearness", "slack", "count"), [(1.1, 0.0, 0), (1.1, 0.2, 256)])
def test_hidden_unless_within_the_slack(nearness: float, slack: float, count: int) -> None:
    seen = see(gray(nearness), CAMERA, POINTS, NORMALS, POINTS, TRIANGLES, slack=slack)
    assert len(seen.rows) == count


def test_a_back_is_seen_only_if_asked() -> None:
    back = TRIANGLES[:, ::-1].copy()
    assert len(see(gray(), CAMERA, POINTS, -NORMALS, POINTS, back).rows) == 0
    seen = see(gray(), CAMERA, POINTS, -NORMALS, POINTS, back, cull=False)
    np.testing.assert_allclose(seen.normal, NORMALS[:1].repeat(256, axis=0))


def test_lays_what_is_seen() -> None:
    canvas = gray()
    seen = see(canvas, CAMERA, POINTS, NORMALS, POINTS, TRIANGLES)
    lay(canvas, seen, np.ones((256, 3), np.float32), np.full(256, 0.75, np.float32))
    assert (canvas.colour[8:24, 8:24] == 0.875).all()
    assert (canvas.colour == 0.5).sum() == 3 * (32 * 32 - 256)
    np.testing.assert_allclose(canvas.nearness[16, [4, 20]], [0, 1], atol=1e-6)


def test_a_shadow_falls_away_from_the_light() -> None:
    canvas = gray()
    cover = np.zeros((32, 32), np.float32)
    cover[14:18, 14:18] = 1
    cast_soft_shadow(canvas, cover, CAMERA, scene().lighting, fall=0.15)
    # The key light comes from the upper right.
    assert canvas.colour[20, 12, 0] < 0.47
    assert canvas.colour[12, 20, 0] > canvas.colour[20, 12, 0]
    # What casts it is not darkened by it, nor what lies far away.
    assert (canvas.colour[14:18, 14:18] == 0.5).all()
    assert canvas.colour[0, 31, 0] > 0.499
