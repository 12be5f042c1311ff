from dataclasses import replace

import numpy as np
import pytest

from made_faces.renderer.shadow import blur_over_surface, cast_shadow
from made_faces.scene.draw import direction
from made_faces.surface import Surface

TOP = 0.1
"""Height of a square roof of side 0.1 above a floor at z = 0, in metres."""
ROOF = np.array(
    [[-0.05, -0.05, TOP], [0.05, -0.05, TOP], [0.05, 0.05, TOP], [-0.05, 0.05, TOP]], np.float32
)
ROOF_TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def floor(size: int = 41) -> Surface:
    """Points of a floor of side 0.3 that looks up, one a pixel."""
    rows, columns = np.mgrid[:size, :size].reshape(2, -1).astype(np.int32)
    along = np.linspace(-0.15, 0.15, size, dtype=np.float32)
    place = np.stack([along[columns], along[rows], np.zeros(size * size, np.float32)], axis=1)
    return Surface(
        rows=rows,
        columns=columns,
        template=place,
        position=place,
        normal=np.broadcast_to(np.array([0, 0, 1], np.float32), place.shape),
        uv=np.zeros((size * size, 2), np.float32),
        region=np.zeros(size * size, np.uint8),
    )


@pytest.mark.parametrize("elevation", [90, 60, 45])
@pytest.mark.parametrize("azimuth", [0, 90])
def test_a_roof_shades_what_lies_behind_it(azimuth: float, elevation: float) -> None:
    light, ground = direction(azimuth, elevation), floor()
    shadow = cast_shadow(ROOF, ROOF_TRIANGLES, ground, np.zeros(3, np.float32), light)
    # Towards the light each point of the floor meets the roof's plane here.
    met = ground.position + light * (TOP / light[2])
    out = np.abs(met[:, :2]).max(axis=1) - 0.05
    assert (shadow[out < -0.004] == 1).all()
    assert (shadow[out > 0.004] == 0).all()


def test_nothing_shades_itself() -> None:
    ground = floor()
    corners = np.array([[-1, -1, 0], [1, -1, 0], [0, 2, 0]], np.float32)
    triangle = np.array([[0, 1, 2]], np.int32)
    for elevation in (90, 89.9, 40, 15):
        light = direction(30, elevation)
        shadow = cast_shadow(corners, triangle, ground, np.zeros(3, np.float32), light)
        assert shadow.max() == 0


def test_a_coarse_ball_does_not_stripe_its_lit_side() -> None:
    radius = 0.08
    polar, around = np.meshgrid(
        np.linspace(0.01, np.pi - 0.01, 9), np.linspace(0, 2 * np.pi, 13)[:-1], indexing="ij"
    )
    unit_points = np.stack(
        [np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], axis=-1
    )
    row, column = np.mgrid[:8, :12].reshape(2, -1)
    here, right = row * 12 + column, row * 12 + (column + 1) % 12
    triangles = np.concatenate(
        [np.stack([here, here + 12, right + 12], 1), np.stack([here, right + 12, right], 1)]
    ).astype(np.int32)
    points = (radius * unit_points.reshape(-1, 3)).astype(np.float32)
    rng = np.random.default_rng(0)
    weights = rng.dirichlet([1, 1, 1], 4000).astype(np.float32)
    corners = points[triangles[rng.integers(len(triangles), size=4000)]]
    place = np.einsum("pc,pci->pi", weights, corners)
    ground = floor(1)
    surface = replace(
        ground, position=place, normal=place / np.linalg.norm(place, axis=1, keepdims=True)
    )
    light = direction(30, 20)
    shadow = cast_shadow(points, triangles, surface, np.zeros(3, np.float32), light)
    facing = surface.normal @ light
    assert shadow[facing > 0].max() == 0
    # Around the edge of the lit side skin lets light through, so shadow sets in behind it.
    assert (shadow[facing < -0.6] == 1).mean() > 0.99


def test_outside_the_map_all_is_lit() -> None:
    shadow = cast_shadow(
        ROOF, ROOF_TRIANGLES, floor(), np.array([2, 0, 0], np.float32), direction(0, 90)
    )
    assert shadow.max() == 0


class TestSoften:
    def test_keeps_what_is_even_up_to_the_outline(self) -> None:
        ground = floor()
        ones = np.ones(len(ground.rows), np.float32)
        softened = blur_over_surface(ones, ground, 60, 60, 3.0)
        np.testing.assert_allclose(softened, 1, atol=1e-5)

    def test_spreads_an_edge_over_its_width(self) -> None:
        ground = floor()
        step = (ground.columns >= 20).astype(np.float32)
        softened = blur_over_surface(step, ground, 41, 41, 3.0).reshape(41, 41)[20]
        assert (np.diff(softened) >= -1e-6).all()
        # A Gaussian's edge passes 16 % and 84 % one standard deviation to either side.
        assert softened[17] == pytest.approx(0.2, abs=0.05)
        assert softened[22] == pytest.approx(0.8, abs=0.05)

    def test_no_width_leaves_all(self) -> None:
        ground = floor()
        values = np.arange(len(ground.rows), dtype=np.float32)
        assert blur_over_surface(values, ground, 41, 41, 0.0) is values
