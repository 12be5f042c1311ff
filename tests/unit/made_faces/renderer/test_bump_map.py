import numpy as np
import pytest

from made_faces.geometry import unit
from made_faces.renderer.bump_map import bend_normals, crease_light
from made_faces.surface import Surface

SIDE, SCALE = 21, 500.0


def wall(normal: tuple[float, float, float] = (0, -1, 0)) -> Surface:
    """A wall seen from the front, one point a pixel."""
    rows, columns = np.mgrid[:SIDE, :SIDE].reshape(2, -1).astype(np.int32)
    none = np.zeros((SIDE * SIDE, 3), np.float32)
    normals = np.broadcast_to(unit(np.array([normal], np.float32)), none.shape)
    region = np.zeros(SIDE * SIDE, np.uint8)
    return Surface(rows, columns, none, none, normals, none[:, :2], region)


def middle(values: np.ndarray) -> np.ndarray:
    return values.reshape(SIDE, SIDE, -1)[SIDE // 2, SIDE // 2]


def bent(surface: Surface, height: np.ndarray) -> np.ndarray:
    return middle(bend_normals(surface, height.astype(np.float32), SIDE, SIDE, SCALE))


@pytest.mark.parametrize("slope", [0.1, -0.3])
def test_a_ramp_leans_the_normal_downhill(slope: float) -> None:
    surface = wall()
    # A wall that rises by `slope` metres a metre towards +x has the normal (-slope, -1, 0).
    rising_right = bent(surface, slope * surface.columns / SCALE)
    np.testing.assert_allclose(rising_right, unit(np.array([-slope, -1, 0])), atol=1e-5)
    rising_up = bent(surface, -slope * surface.rows / SCALE)
    np.testing.assert_allclose(rising_up, unit(np.array([0, -1, -slope])), atol=1e-5)


def test_flat_relief_changes_nothing() -> None:
    surface = wall((0.3, -0.8, 0.4))
    np.testing.assert_allclose(
        bent(surface, np.full(SIDE * SIDE, 0.001)), middle(surface.normal), atol=1e-6
    )


def test_a_step_is_held() -> None:
    surface = wall()
    leaning = bent(surface, 0.1 * (surface.columns > SIDE // 2))
    assert -leaning[1] > 0.7
    assert np.linalg.norm(leaning) == pytest.approx(1, abs=1e-5)


def test_creases_are_darker_than_ridges() -> None:
    light = crease_light(np.array([-1, -0.0005, 0, 0.0001, 1], np.float32))
    assert (np.diff(light) > 0).all()
    assert light[2] == 1
    assert light[0] == pytest.approx(0.65)
