from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from made_faces.renderer.shadow import (
    ambient_occlusion,
    blur_over_surface,
    cast_shadow,
    cavity_light,
    contact_occlusion,
)
from made_faces.scene.scene import direction
from made_faces.surface import Region, Surface

TOP = 0.1
"""Height of a square roof of side 0.1 above a floor at z = 0, in metres."""
ROOF = np.array(
    [[-0.05, -0.05, TOP], [0.05, -0.05, TOP], [0.05, 0.05, TOP], [-0.05, 0.05, TOP]], np.float32
)
ROOF_TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def floor(size: int = 41) -> Surface:
    """Points of a floor of side 0.3, one for each pixel."""
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
    # Where the ray from each point of the floor towards the light meets the plane of the roof.
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
    # At the terminator light passes through skin, so the shadow begins behind it.
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


SCALE = 1000.0
"""Pixels per metre."""
DISTANCE = 1.0


def seen(depth: np.ndarray) -> np.ndarray:
    return ambient_occlusion((1 / depth).astype(np.float32), DISTANCE, SCALE)


def plane(slope: float = 0.0) -> np.ndarray:
    return DISTANCE + slope * (np.arange(120) - 60)[None] / SCALE + np.zeros((100, 1))


def test_a_plane_is_open_however_it_leans() -> None:
    for slope in (0.0, 1.0, -2.0):
        # Away from the margins of the picture, where pixels are replicated.
        assert seen(plane(slope))[:, 50:70].min() > 0.93


def test_a_hollow_is_darker_the_deeper_it_is() -> None:
    light = []
    for depth in (0.002, 0.005, 0.01):
        pit = plane()
        pit[44:56, 54:66] += depth
        found = seen(pit)
        light.append(found[50, 60])
        assert found[50, 60] < found[10, 10]
    assert light[0] > light[1] > light[2] > 0
    assert light[2] < 0.8


def test_a_bump_is_open() -> None:
    bump = plane()
    bump[44:56, 54:66] -= 0.01
    assert seen(bump)[50, 60] == 1


def test_empty_background_does_not_darken_an_outline() -> None:
    depth = plane()
    inverse_depth = (1 / depth).astype(np.float32)
    inverse_depth[:, 60:] = 0
    assert ambient_occlusion(inverse_depth, DISTANCE, SCALE)[:, :60].min() == 1


def test_empty_background_does_not_brighten_a_hollow_beside_it() -> None:
    pit = plane()
    pit[44:56, 46:58] += 0.01
    inverse_depth = (1 / pit).astype(np.float32)
    inverse_depth[:, 60:] = 0
    found = ambient_occlusion(inverse_depth, DISTANCE, SCALE)
    assert found[50, 50] < 0.95


def test_an_object_darkens_its_surroundings_and_not_itself() -> None:
    wall = (1 / plane()).astype(np.float32)
    light = []
    for lift in (0.004, 0.012):
        covered = wall.copy()
        covered[:, 60:] = 1 / (DISTANCE - lift)
        left = contact_occlusion(wall, covered, DISTANCE, SCALE)
        assert (left[:, 60:] == 1).all()
        assert left[50, 58] < left[50, 30] <= 1
        light.append(left[50, 58])
    assert light[1] < light[0]
    assert light[1] < 0.9


def test_nothing_new_leaves_all_light() -> None:
    pit = plane()
    pit[44:56, 54:66] += 0.01
    inverse_depth = (1 / pit).astype(np.float32)
    assert (contact_occlusion(inverse_depth, inverse_depth, DISTANCE, SCALE) == 1).all()


SIDE, CAVITY_SCALE = 60, 2000.0


def picture(region: Region, depth: float = -0.146) -> Surface:
    """Skin with a window of 12 rows onto `region`, `depth` its y on the base head."""
    rows, columns = np.mgrid[:SIDE, :SIDE].reshape(2, -1).astype(np.int32)
    regions = np.full(SIDE * SIDE, Region.SKIN, np.uint8)
    regions[(rows >= 24) & (rows < 36) & (columns >= 15) & (columns < 45)] = region
    template = np.zeros((SIDE * SIDE, 3), np.float32)
    template[:, 1] = depth
    return Surface(rows, columns, template, template, template, template[:, :2], regions)


def light_on(surface: Surface) -> np.ndarray:
    return cavity_light(surface, SIDE, SIDE, CAVITY_SCALE).reshape(SIDE, SIDE)


def test_skin_keeps_all_light() -> None:
    for region in Region:
        surface = picture(region)
        light = light_on(surface)
        assert (light[surface.region.reshape(SIDE, SIDE) == Region.SKIN] == 1).all()


def test_an_eye_is_darker_below_the_upper_lid() -> None:
    light = light_on(picture(Region.LEFT_EYE))
    assert light[24, 30] < light[30, 30] - 0.05
    assert light[35, 30] > light[24, 30] + 0.05
    assert light[24:36, 15:45].min() > 0.5


def test_teeth_are_darker_beside_the_lips() -> None:
    light = light_on(picture(Region.UPPER_TEETH))
    assert light[24, 30] < light[30, 30]
    assert light[30, 15] < light[30, 30]


def test_what_lies_deeper_in_the_mouth_is_darker() -> None:
    for region in (Region.UPPER_TEETH, Region.MOUTH_CAVITY, Region.TONGUE):
        levels = [light_on(picture(region, y))[30, 30] for y in (-0.15, -0.13, -0.11, -0.05)]
        assert (np.diff(levels) < 0).all()
        assert levels[-1] > 0


def test_only_skin() -> None:
    assert (light_on(picture(Region.SKIN)) == 1).all()
