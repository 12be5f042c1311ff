from __future__ import annotations

import numpy as np
import pytest
from fake_data.bare_head import empty_canvas

from made_faces.surface import Floats, grid_triangles, unit, vertex_normals


def places(*points: tuple[float, float]) -> Floats:
    return np.array(points, np.float32)


def test_composite_blends_and_updates_depth() -> None:
    canvas = empty_canvas(8, colour=0.5, alpha=1.0, inverse_depth=0.5)
    rows, columns = np.array([1, 1, 1]), np.array([2, 3, 4])
    near = np.array([1, 1, 0.25], np.float32)
    alpha = np.array([0.25, 0.75, 0.75], np.float32)
    canvas.composite(rows, columns, near, np.ones((3, 3), np.float32), alpha)
    np.testing.assert_allclose(canvas.colour[1, 2:5, 0], [0.625, 0.875, 0.875])
    # Low alpha does not change the depth, and the depth never moves back.
    np.testing.assert_allclose(canvas.inverse_depth[1, 2:5], [0.5, 1, 0.5])
    assert canvas.alpha.max() == 1


def test_window_encloses_points_and_margin() -> None:
    canvas = empty_canvas(32)
    assert canvas.window(places((4.5, 7.2), (9.1, 8.8))) == (slice(7, 9), slice(4, 10))
    assert canvas.window(places((4.5, 7.2), (9.1, 8.8)), 3) == (slice(4, 12), slice(1, 13))


def test_window_ends_at_the_pictures_margins() -> None:
    canvas = empty_canvas(32)
    assert canvas.window(places((-5, -5), (99, 3.5))) == (slice(0, 4), slice(0, 32))
    for outside in ((40, 5), (-9, 5), (5, 40), (5, -9)):
        assert canvas.alpha[canvas.window(places(outside), 2)].size == 0


def ball(rows: int = 24, columns: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """A unit ball, its triangles counter-clockwise seen from outside -> points, triangles."""
    polar = np.linspace(0.02, np.pi - 0.02, rows)[:, None]
    around = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    points = np.stack(
        [
            np.sin(polar) * np.cos(around),
            np.sin(polar) * np.sin(around),
            np.cos(polar) + 0 * around,
        ],
        axis=-1,
    )
    row, column = np.mgrid[: rows - 1, :columns]
    following = (column + 1) % columns
    here, right = row * columns + column, row * columns + following
    below, across = here + columns, right + columns
    triangles = np.stack([here, below, across, here, across, right], axis=-1).reshape(-1, 3)
    return points.reshape(-1, 3).astype(np.float32), triangles.astype(np.int32)


class TestNormals:
    def test_of_a_ball_point_away_from_its_middle(self) -> None:
        points, triangles = ball()
        normals = vertex_normals(points, triangles)
        assert normals.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
        assert (np.einsum("vi,vi->v", normals, points) > 0.99).all()

    def test_turn_around_with_the_triangles(self) -> None:
        points, triangles = ball()
        np.testing.assert_allclose(
            vertex_normals(points, triangles[:, ::-1]),
            -vertex_normals(points, triangles),
            atol=1e-5,
        )

    def test_a_lone_vertex_has_none(self) -> None:
        points = np.eye(4, 3, dtype=np.float32)
        assert vertex_normals(points, np.array([[0, 1, 2]], np.int32))[3].tolist() == [0, 0, 0]

    def test_unit_leaves_zero(self) -> None:
        assert unit(np.array([[0, 0, 0], [3, 0, 4]], np.float32)).tolist() == [
            [0, 0, 0],
            [pytest.approx(0.6), 0, pytest.approx(0.8)],
        ]


@pytest.mark.parametrize("downwards", [False, True])
def test_grid_of_cells(downwards: bool) -> None:
    triangles = grid_triangles(4, 3, downwards)
    assert triangles.shape == (12, 3)
    assert sorted(np.unique(triangles)) == list(range(12))
    # x along the row, y up the rows or down: counter-clockwise turns are positive.
    y = triangles // 4 * (-1 if downwards else 1)
    corners = np.stack([triangles % 4, y], axis=2).astype(float)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    assert (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] > 0).all()
