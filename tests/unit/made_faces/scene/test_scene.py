from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from made_faces.scene.scene import Lighting, Scene, direction, sample_scene


def scenes(variety: float, count: int = 300) -> list[Scene]:
    return [sample_scene(np.random.default_rng([7, number]), variety) for number in range(count)]


def spread(values: list[float]) -> float:
    return float(np.abs(values).max())


def same(first: Scene | Lighting, second: Scene | Lighting) -> bool:
    return all(
        np.array_equal(getattr(first, field.name), getattr(second, field.name))
        for field in fields(first)
        if field.name not in ("lighting", "effects")
    )


def test_the_same_seed_draws_the_same() -> None:
    one, two = (sample_scene(np.random.default_rng(3), 0.7) for _ in range(2))
    other = sample_scene(np.random.default_rng(4), 0.7)
    assert same(one, two)
    assert same(one.lighting, two.lighting)
    assert one.effects == two.effects
    assert not same(one, other)


@pytest.mark.parametrize(
    ("variety", "yaw", "pitch", "roll"), [(0, 15, 8, 6), (0.5, 32, 16, 16), (1, 60, 30, 35)]
)
def test_poses_fill_their_range(variety: float, yaw: float, pitch: float, roll: float) -> None:
    drawn = scenes(variety)
    for found, most in (
        (spread([scene.yaw for scene in drawn]), yaw),
        (spread([scene.pitch for scene in drawn]), pitch),
        (spread([scene.roll for scene in drawn]), roll),
    ):
        assert 0.8 * most < found <= most


def test_a_studio_has_no_accessories() -> None:
    for scene in scenes(0.0, 100):
        assert scene.glasses == "none"
        assert [scene.mask, scene.hand, scene.hat, scene.effects.gray] == [False] * 4
        assert (scene.width, scene.height) == (224, 224)
        assert scene.effects.shrink == 1
        assert scene.effects.motion == 0


def test_accessories_have_their_probabilities() -> None:
    drawn = scenes(1.0, 1000)
    for share, wanted in (
        (np.mean([scene.glasses != "none" for scene in drawn]), 0.25),
        (np.mean([scene.mask for scene in drawn]), 0.06),
        (np.mean([scene.hand for scene in drawn]), 0.08),
        (np.mean([scene.hat for scene in drawn]), 0.12),
        (np.mean([scene.effects.gray for scene in drawn]), 0.35),
    ):
        # Three standard deviations of 1,000 draws.
        assert share == pytest.approx(wanted, abs=3 * (wanted * (1 - wanted) / 1000) ** 0.5)
    assert {scene.glasses for scene in drawn} == {"none", "clear", "dark"}


@pytest.mark.parametrize("variety", [0.0, 0.5, 1.0])
def test_sizes_are_even_and_within_bounds(variety: float) -> None:
    for scene in scenes(variety, 100):
        for side in (scene.width, scene.height):
            assert side % 2 == 0
            assert 160 <= side <= 288


def test_wide_pictures_are_not_all_square() -> None:
    drawn = scenes(1.0, 200)
    assert 0.2 < np.mean([scene.width == scene.height for scene in drawn]) < 0.6


@pytest.mark.parametrize("variety", [0.0, 0.5, 1.0])
def test_lights_shine_from_unit_directions(variety: float) -> None:
    for scene in scenes(variety, 100):
        lighting = scene.lighting
        for way in (lighting.key, lighting.fill, lighting.rim):
            assert way.dtype == np.float32
            assert np.linalg.norm(way) == pytest.approx(1, abs=1e-5)
        assert lighting.rim[1] > 0
        assert min(lighting.key_colour.min(), lighting.ambient.min()) > 0
        assert 1 <= scene.effects.quality <= 100


def test_directions() -> None:
    np.testing.assert_allclose(direction(0, 0), [0, -1, 0], atol=1e-6)
    np.testing.assert_allclose(direction(90, 0), [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(direction(0, 90), [0, 0, 1], atol=1e-6)


def seen_part(middle: float, half: float) -> float:
    """Visible part of a range of twice `half`, or of the picture where the range is wider."""
    return (min(1, middle + half) - max(0, middle - half)) / min(1, 2 * half)


def test_most_of_a_face_stays_in_the_picture() -> None:
    parts = []
    for scene in scenes(1.0, 1000):
        smaller = min(scene.width, scene.height)
        # A face box is about 1.4 times as high as brow to chin, and 1.05 times as wide.
        for share, shift, side in zip(
            (1.05, 1.4), scene.offset, (scene.width, scene.height), strict=True
        ):
            half = share / 2 * scene.face_fraction * smaller / side
            parts.append(seen_part(0.5 + shift, half))
    assert min(parts) > 0.6
    assert 0.05 < np.mean(np.array(parts) < 0.95) < 0.5


@pytest.mark.parametrize("variety", [0.0, 0.5, 1.0])
def test_the_body_reaches_the_lower_edge(variety: float) -> None:
    for scene in scenes(variety):
        heights = (0.5 - scene.offset[1]) * scene.height / min(scene.width, scene.height)
        # The body ends 0.29 m below the centre of a face; from brow to chin are 0.135 m.
        assert heights / scene.face_fraction <= 0.29 / 0.135
