from __future__ import annotations

import numpy as np
import pytest

from made_faces.renderer.camera import Camera
from made_faces.renderer.rasteriser import Fragments, inverse_depth_map, rasterise

WIDTH, HEIGHT = 31, 23


def camera() -> Camera:
    return Camera(WIDTH, HEIGHT, 40.0, (15.0, 11.0), np.zeros(3, np.float32), 2.0)


def scattered(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Triangles of all sizes, thin ones and some beyond the margins -> points, triangles."""
    rng = np.random.default_rng(seed)
    middles = rng.uniform(-0.9, 0.9, (count, 1, 3))
    sizes = rng.choice([0.03, 0.3, 1.0], (count, 1, 1))
    points = middles * [1, 0.6, 0.8] + rng.normal(0, 0.4, (count, 3, 3)) * sizes
    return (
        points.reshape(-1, 3).astype(np.float32),
        np.arange(3 * count, dtype=np.int32).reshape(-1, 3),
    )


def by_ray(points: np.ndarray, triangle: np.ndarray, column: int, row: int) -> np.ndarray | None:
    """Intersect the ray through the centre of a pixel with a triangle in the world -> [3] weights.

    Solves camera + distance * ray = weights @ corners, without any projection.
    """
    view = camera()
    ray = np.array(
        [
            (column + 0.5 - view.centre[0]) / view.focal,
            1,
            -(row + 0.5 - view.centre[1]) / view.focal,
        ]
    )
    eye = np.array([0, -view.distance, 0])
    first, second, third = points[triangle].astype(np.float64)
    system = np.stack([second - first, third - first, -ray], axis=1)
    if abs(np.linalg.det(system)) < 1e-9:
        return None
    one, two, distance = np.linalg.solve(system, eye - first)
    weights = np.array([1 - one - two, one, two])
    return np.array([*weights, distance]) if weights.min() >= 0 and distance > 0 else None


def reference(points: np.ndarray, triangles: np.ndarray, cull: bool) -> Fragments:
    """The same, pixel by pixel and triangle by triangle."""
    inverse_depth = np.zeros((HEIGHT, WIDTH), np.float32)
    shown = np.full((HEIGHT, WIDTH), -1, np.int32)
    shares = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    eye = np.array([0, -camera().distance, 0])
    for number, triangle in enumerate(triangles):
        first, second, third = points[triangle].astype(np.float64)
        if cull and np.cross(second - first, third - first) @ (eye - first) <= 0:
            continue
        for row in range(HEIGHT):
            for column in range(WIDTH):
                hit = by_ray(points, triangle, column, row)
                if hit is not None and 1 / hit[3] >= inverse_depth[row, column]:
                    inverse_depth[row, column] = 1 / hit[3]
                    shown[row, column] = number
                    shares[row, column] = hit[:2]
    return Fragments(inverse_depth, shown, shares)


@pytest.mark.parametrize("cull", [True, False])
def test_agrees_with_rays_through_space(cull: bool) -> None:
    points, triangles = scattered(60)
    found = rasterise(camera().project(points), triangles, WIDTH, HEIGHT, cull)
    wanted = reference(points, triangles, cull)
    assert (wanted.triangle >= 0).mean() > 0.3
    # A pixel whose centre is almost on an edge may belong to either side.
    same = found.triangle == wanted.triangle
    assert same.mean() > 0.995
    covered = same & (wanted.triangle >= 0)
    np.testing.assert_allclose(
        found.inverse_depth[covered], wanted.inverse_depth[covered], rtol=2e-5
    )
    np.testing.assert_allclose(found.weights[covered], wanted.weights[covered], atol=2e-3)


def test_inverse_depth_map_is_nearest_of_both_sides() -> None:
    points, triangles = scattered(60, seed=1)
    projected = camera().project(points)
    both = rasterise(projected, triangles, WIDTH, HEIGHT, cull=False)
    np.testing.assert_array_equal(
        inverse_depth_map(projected, triangles, WIDTH, HEIGHT), both.inverse_depth
    )
    culled = rasterise(projected, triangles, WIDTH, HEIGHT, cull=True)
    assert (culled.inverse_depth < both.inverse_depth).any()
    assert (culled.inverse_depth <= both.inverse_depth).all()


def test_a_fan_covers_each_pixel_once() -> None:
    # Twelve triangles around a point; no vertex is at the centre of a pixel.
    angles = np.linspace(0, 2 * np.pi, 13)[:-1]
    rim = np.stack([15.3 + 10 * np.cos(angles), 11.2 - 9 * np.sin(angles), np.ones(12)], axis=1)
    points = np.concatenate([[[15.3, 11.2, 1.0]], rim]).astype(np.float32)
    triangles = np.array([[0, 1 + k, 1 + (k + 1) % 12] for k in range(12)], np.int32)
    counts = sum(
        (inverse_depth_map(points, triangles[k : k + 1], WIDTH, HEIGHT) > 0).astype(int)
        for k in range(12)
    )
    whole = rasterise(points, triangles, WIDTH, HEIGHT, cull=True).triangle >= 0
    assert counts.max() == 1
    np.testing.assert_array_equal(counts == 1, whole)
    inside = np.hypot(
        (np.arange(WIDTH) + 0.5 - 15.3)[None] / 10, (np.arange(HEIGHT) + 0.5 - 11.2)[:, None] / 9
    )
    assert whole[inside < 0.95].all()
    assert not whole[inside > 1].any()


def test_of_two_equally_near_the_later_is_seen() -> None:
    points = np.array([[2, 20, 1], [20, 20, 1], [2, 2, 1]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 1, 2]], np.int32)
    shown = rasterise(points, triangles, WIDTH, HEIGHT, cull=True).triangle
    assert set(np.unique(shown)) == {-1, 1}


def test_what_reaches_behind_the_camera_is_left_out() -> None:
    points = np.array([[2, 20, 1], [20, 20, 1], [2, 2, -0.5]], np.float32)
    found = rasterise(points, np.array([[0, 1, 2]], np.int32), WIDTH, HEIGHT, cull=False)
    assert (found.triangle == -1).all()
    assert (found.inverse_depth == 0).all()


@pytest.mark.parametrize("triangles", [np.zeros((0, 3), np.int32), np.zeros((2, 3), np.int32)])
def test_nothing_to_see(triangles: np.ndarray) -> None:
    found = rasterise(np.ones((1, 3), np.float32), triangles, WIDTH, HEIGHT, cull=False)
    assert (found.triangle == -1).all()
