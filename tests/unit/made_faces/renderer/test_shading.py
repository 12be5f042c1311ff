from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_data.bare_head import scene

from made_faces.renderer.camera import Camera
from made_faces.renderer.shading import (
    LightVisibility,
    crease_light,
    diffuse_light,
    halfway,
    perturb_normals,
    shade,
    specular_light,
)
from made_faces.scene.scene import Lighting, direction
from made_faces.surface import Material, Surface, unit


def test_matte_things_are_lit_from_the_lights_side() -> None:
    lighting = scene().lighting
    lit, dark = diffuse_light(np.stack([lighting.key, -lighting.key]), lighting)
    assert (lit > 2 * dark).all()


def test_shine_is_brightest_half_way_to_the_camera() -> None:
    lighting = scene().lighting
    half = lighting.key - np.array([0, 1, 0], np.float32)
    np.testing.assert_allclose(halfway(lighting), half / np.linalg.norm(half), rtol=1e-6)
    bright, dull = specular_light(np.stack([halfway(lighting), -lighting.key]), lighting, 30)
    np.testing.assert_allclose(bright, lighting.key_colour, rtol=1e-4)
    assert dull.max() == 0


SIDE, SCALE = 21, 500.0


def wall(normal: tuple[float, float, float] = (0, -1, 0)) -> Surface:
    """A plane seen from the front, one point for each pixel."""
    rows, columns = np.mgrid[:SIDE, :SIDE].reshape(2, -1).astype(np.int32)
    none = np.zeros((SIDE * SIDE, 3), np.float32)
    normals = np.broadcast_to(unit(np.array([normal], np.float32)), none.shape)
    region = np.zeros(SIDE * SIDE, np.uint8)
    return Surface(rows, columns, none, none, normals, none[:, :2], region)


def middle(values: np.ndarray) -> np.ndarray:
    return values.reshape(SIDE, SIDE, -1)[SIDE // 2, SIDE // 2]


def bent(surface: Surface, height: np.ndarray) -> np.ndarray:
    return middle(perturb_normals(surface, height.astype(np.float32), SIDE, SIDE, SCALE))


@pytest.mark.parametrize("slope", [0.1, -0.3])
def test_a_ramp_leans_the_normal_downhill(slope: float) -> None:
    surface = wall()
    # A plane that rises by `slope` metres per metre towards +x has the normal (-slope, -1, 0).
    rising_right = bent(surface, slope * surface.columns / SCALE)
    np.testing.assert_allclose(rising_right, unit(np.array([-slope, -1, 0])), atol=1e-5)
    rising_up = bent(surface, -slope * surface.rows / SCALE)
    np.testing.assert_allclose(rising_up, unit(np.array([0, -1, -slope])), atol=1e-5)


def test_flat_bump_map_changes_nothing() -> None:
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


CAMERA = Camera(10, 10, 100.0, (5.0, 5.0), np.zeros(3, np.float32), 1.0)
ANGLES = np.arange(0, 181, 10, dtype=np.float32)
BLACK = np.zeros(3, np.float32)
KEY_ONLY = Lighting(
    key=direction(0, 0),
    key_colour=np.ones(3, np.float32),
    softness=2.0,
    fill=direction(-60, 14),
    fill_colour=BLACK,
    rim=direction(150, 17),
    rim_strength=0.0,
    ambient=BLACK,
)


def facing(angles: np.ndarray) -> np.ndarray:
    """[P, 3] normals turned by degrees away from the camera, to +x."""
    return np.stack([direction(float(angle), 0) for angle in angles])


def lit(
    lighting: Lighting,
    normals: np.ndarray,
    scatter: float = 0.0,
    specular: float = 0.0,
    roughness: float = 0.4,
    shadow: float = 0.0,
    ambient_occlusion: float = 1.0,
    cavity: float = 1.0,
) -> np.ndarray:
    count = len(normals)

    def all_of(value: float) -> np.ndarray:
        return np.full(count, value, np.float32)

    nowhere = np.zeros((count, 3), np.float32)
    whole = np.zeros(count, np.int32)
    surface = Surface(
        whole, whole, nowhere, nowhere, normals, nowhere[:, :2], whole.astype(np.uint8)
    )
    material = Material(
        np.full((count, 3), 0.5, np.float32),
        all_of(roughness),
        all_of(specular),
        all_of(scatter),
        all_of(0),
    )
    visibility = LightVisibility(all_of(shadow), all_of(ambient_occlusion), all_of(cavity))
    colour = shade(surface, material, normals, CAMERA, lighting, visibility)
    assert colour.dtype == np.float32
    assert (colour >= 0).all()
    return colour


class TestDiffuse:
    def test_plain_matter_follows_the_cosine(self) -> None:
        colour = lit(KEY_ONLY, facing(ANGLES))
        cosine = np.clip(np.cos(np.radians(ANGLES)), 0, None)
        np.testing.assert_allclose(colour / colour[0], cosine[:, None] + 0 * colour, atol=1e-5)

    def test_skin_darkens_with_the_angle_and_turns_red(self) -> None:
        colour = lit(KEY_ONLY, facing(ANGLES), scatter=1.0)
        assert (np.diff(colour, axis=0) <= 1e-6).all()
        assert colour[ANGLES == 50, 0] < 0.8 * colour[0, 0]
        past = int(np.flatnonzero(ANGLES == 90)[0])
        assert colour[past, 0] > 2 * colour[past, 2] > 0
        assert colour[past + 1, 0] > 0
        assert colour[-1].max() == 0

    def test_more_light_is_more(self) -> None:
        bright = replace(KEY_ONLY, key_colour=np.array([2, 3, 4], np.float32))
        normals = facing(ANGLES[:9])
        np.testing.assert_allclose(
            lit(bright, normals, scatter=0.7),
            lit(KEY_ONLY, normals, scatter=0.7) * [2, 3, 4],
            rtol=1e-4,
        )


class TestVisibility:
    def test_shadow_takes_the_key_light_alone(self) -> None:
        both = replace(KEY_ONLY, ambient=np.full(3, 0.5, np.float32))
        normals = facing(ANGLES[:5])
        sky = lit(replace(both, key_colour=BLACK), normals)
        np.testing.assert_allclose(lit(both, normals, shadow=1.0), sky, atol=1e-6)
        levels = [lit(both, normals, shadow=part).sum() for part in (0, 0.3, 0.7, 1)]
        assert (np.diff(levels) < 0).all()

    def test_half_shadow_on_skin_is_red(self) -> None:
        red, _, blue = lit(KEY_ONLY, facing(ANGLES[:1]), scatter=1.0, shadow=0.5)[0]
        assert red > 1.1 * blue

    def test_hollows_lose_the_sky(self) -> None:
        sky = replace(KEY_ONLY, key_colour=BLACK, ambient=np.ones(3, np.float32))
        levels = [
            lit(sky, facing(ANGLES[:1]), ambient_occlusion=part).sum() for part in (1, 0.6, 0.2, 0)
        ]
        assert (np.diff(levels) < 0).all()
        assert levels[-1] == pytest.approx(0, abs=1e-6)

    def test_cavities_lose_all_light(self) -> None:
        normals = facing(ANGLES[:5])
        whole = lit(KEY_ONLY, normals, specular=1.0)
        np.testing.assert_allclose(lit(KEY_ONLY, normals, specular=1.0, cavity=0.25), whole / 4)


class TestSky:
    def test_brighter_from_above(self) -> None:
        sky = replace(KEY_ONLY, key_colour=BLACK, ambient=np.ones(3, np.float32))
        normals = np.stack([direction(0, elevation) for elevation in (-80, 0, 80)])
        assert (np.diff(lit(sky, normals), axis=0) > 0).all()


class TestGloss:
    def test_brightest_half_way_between_light_and_camera(self) -> None:
        side = replace(KEY_ONLY, key=direction(40, 0))
        normals = facing(ANGLES[:8])
        gloss = lit(side, normals, specular=1.0) - lit(side, normals)
        assert ANGLES[int(np.argmax(gloss[:, 0]))] == 20

    def test_smoother_is_brighter_and_narrower(self) -> None:
        normals = facing(np.array([0, 25]))
        smooth, rough = (
            lit(KEY_ONLY, normals, specular=1.0, roughness=roughness) - lit(KEY_ONLY, normals)
            for roughness in (0.3, 0.6)
        )
        assert smooth[0, 0] > rough[0, 0]
        assert smooth[1, 0] < rough[1, 0]

    def test_none_without_light_or_gloss(self) -> None:
        dark = replace(KEY_ONLY, key_colour=BLACK)
        assert lit(dark, facing(ANGLES), specular=1.0).max() == 0


class TestRim:
    def test_reaches_only_what_turns_away(self) -> None:
        behind = replace(KEY_ONLY, key_colour=BLACK, rim=direction(120, 0), rim_strength=1.0)
        towards, away = lit(behind, facing(np.array([0, 80])))
        assert towards.max() == 0
        assert away.min() > 0
