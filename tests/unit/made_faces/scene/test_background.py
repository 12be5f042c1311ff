from __future__ import annotations

import cv2
import numpy as np
import pytest

from made_faces.scene import background
from made_faces.scene.background import draw_background, draw_studio, draw_wall
from made_faces.scene.indoors import draw_room
from made_faces.scene.outdoors import draw_crowd, draw_nature, draw_night, draw_street

PLACES = (draw_studio, draw_room, draw_wall, draw_street, draw_nature, draw_night, draw_crowd)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


class TestBackground:
    def test_is_light_of_the_size_asked_for(self) -> None:
        for seed in range(12):
            drawn = draw_background(90, 60, seed)
            assert drawn.shape == (60, 90, 3)
            assert drawn.dtype == np.float32
            assert drawn.min() >= 0
            assert drawn.max() <= 4

    def test_same_seed_same_place(self) -> None:
        for seed in range(12):
            again = draw_background(64, 64, seed)
            assert np.array_equal(draw_background(64, 64, seed), again)

    def test_seeds_show_different_places(self) -> None:
        drawn = [draw_background(48, 48, seed) for seed in range(20)]
        distances = [np.abs(one - two).mean() for i, one in enumerate(drawn) for two in drawn[:i]]
        assert min(distances) > 0.002

    def test_another_size_shows_the_same_place(self) -> None:
        likeness = []
        for seed in range(24):
            small, large = draw_background(60, 60, seed), draw_background(150, 150, seed)
            shrunk = cv2.resize(large, (60, 60), interpolation=cv2.INTER_AREA)
            likeness.append(np.abs(small - shrunk).mean() / (small.std() + 0.02))
        assert np.median(likeness) < 0.1

    def test_softer_focus_is_softer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def detail(radius: float) -> float:
            place = background._Place(draw_wall, 1.0, radius, radius * 1.001)
            monkeypatch.setattr(background, "_PLACES", (place,))
            drawn = [draw_background(128, 128, seed) for seed in range(8)]
            return float(np.mean([cv2.Laplacian(each, cv2.CV_32F).std() for each in drawn]))

        assert detail(0.003) > 2 * detail(0.02) > 4 * detail(0.06)

    def test_a_lamp_out_of_focus_is_a_disc(self) -> None:
        disc = background._disc(3.0)
        assert disc.sum() == pytest.approx(1)
        assert disc.shape == (7, 7)
        assert disc[3, 3] == disc[3, 0 + 1] == disc.max()
        assert disc[0, 0] == 0
        assert np.array_equal(disc, disc.T)

    def test_shares_make_a_whole(self) -> None:
        assert sum(place.share for place in background._PLACES) == pytest.approx(1)
        assert {place.draw for place in background._PLACES} == set(PLACES)

    def test_no_crowd_is_in_focus(self) -> None:
        sharpest = {place.draw: place.sharpest for place in background._PLACES}
        assert sharpest[draw_crowd] > max(
            value for draw, value in sharpest.items() if draw is not draw_crowd
        )


@pytest.mark.parametrize("draw", PLACES)
class TestKinds:
    def test_shape_and_finite(self, draw) -> None:
        for seed in range(15):
            drawn = draw(rng(seed), 40, 56)
            assert drawn.shape == (40, 56, 3)
            assert drawn.dtype == np.float32
            assert np.isfinite(drawn).all()

    def test_tiny_pictures_too(self, draw) -> None:
        for seed in range(15):
            assert draw(rng(seed), 3, 5).shape == (3, 5, 3)

    def test_varies(self, draw) -> None:
        means = [draw(rng(seed), 24, 24).mean(axis=(0, 1)) for seed in range(12)]
        assert np.std(means, axis=0).min() > 0.01


def test_rooms_and_streets_have_structure() -> None:
    for draw in (draw_room, draw_street, draw_wall):
        deviations = [draw(rng(seed), 64, 64).std() for seed in range(10)]
        assert np.median(deviations) > 0.03


def test_nights_are_dark_with_lights() -> None:
    drawn = [draw_night(rng(seed), 200, 200) for seed in range(6)]
    assert all(np.median(each) < 0.12 for each in drawn)
    assert all(each.max() > 1.5 for each in drawn)
