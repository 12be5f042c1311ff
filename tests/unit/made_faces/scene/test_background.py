import cv2
import numpy as np
import pytest

from made_faces.scene import background
from made_faces.scene.background import draw_background
from made_faces.scene.brush import (
    blank,
    cell_values,
    clouds,
    draw_colour,
    fill_box,
    fill_ellipse,
    fill_polygon,
    glow,
    gradient,
    grid,
    mix,
    paste,
)
from made_faces.scene.indoors import draw_room, draw_studio, draw_wall
from made_faces.scene.outdoors import (
    draw_crowd,
    draw_nature,
    draw_night,
    draw_street,
)

PLACES = (draw_studio, draw_room, draw_wall, draw_street, draw_nature, draw_night, draw_crowd)
BLACK = np.zeros(3, np.float32)
RED = np.array([1, 0, 0], np.float32)
WHITE = np.ones(3, np.float32)


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
class TestPlaces:
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


class TestBrush:
    def test_colours_lie_in_their_range(self) -> None:
        for seed in range(20):
            colour = draw_colour(rng(seed), (0.5, 0.6), (0.2, 0.4), (100, 140))
            assert 0.5**2.2 - 1e-3 <= colour.max() <= 0.6**2.2 + 1e-3
            assert colour.argmax() == 1  # hues about 120 degrees are green
            assert colour.min() / colour.max() == pytest.approx(0.7**2.2, abs=0.2)

    def test_gradients_go_from_first_to_last(self) -> None:
        down = gradient(5, 3, BLACK, RED)
        assert down[:, 1, 0].tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1])
        across = gradient(3, 5, BLACK, RED, across=True)
        assert across[1, :, 0].tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1])

    def test_clouds_are_of_either_sign_and_finer_with_octaves(self) -> None:
        coarse, fine = (clouds(rng(), 64, 64, (3, 3), octaves) for octaves in (1, 4))
        assert -2 < coarse.min() < -0.2 < 0.2 < coarse.max() < 2
        for axis in (0, 1):
            assert np.diff(fine, axis=axis).std() > 2.5 * np.diff(coarse, axis=axis).std()

    def test_boxes_cover_their_part(self) -> None:
        picture = blank(40, 80, BLACK)
        fill_box(picture, 0.25, 0.5, 0.75, 1.0, RED)
        assert picture[..., 0].mean() == pytest.approx(0.25, abs=0.03)
        assert picture[30, 40].tolist() == [1, 0, 0]
        assert picture[10, 40].tolist() == [0, 0, 0]
        assert picture[30, 10].tolist() == [0, 0, 0]

    def test_shapes_may_reach_out_of_the_picture(self) -> None:
        picture = blank(20, 20, BLACK)
        fill_polygon(picture, ((-3, -3), (4, -3), (4, 4), (-3, 4)), RED)
        assert (picture == RED).all()

    def test_ellipses(self) -> None:
        picture = blank(100, 100, BLACK)
        fill_ellipse(picture, 0.5, 0.5, 0.4, 0.2, RED)
        assert picture[..., 0].mean() == pytest.approx(np.pi * 0.4 * 0.2, abs=0.02)

    def test_glow_falls_off(self) -> None:
        picture = blank(50, 50, BLACK)
        glow(picture, 0.5, 0.5, 0.2, RED)
        assert picture[25, 25, 0] > 0.95
        assert picture[25, 35, 0] == pytest.approx(np.exp(-1), abs=0.05)
        assert picture[..., 1].max() == 0

    def test_glow_is_round_in_wide_pictures(self) -> None:
        picture = blank(50, 100, BLACK)
        glow(picture, 0.5, 0.5, 0.2, RED)
        assert picture[25, 60, 0] == pytest.approx(picture[35, 50, 0], abs=0.02)

    def test_mix_turns_towards_a_colour(self) -> None:
        picture = blank(1, 2, RED)
        mix(picture, WHITE, np.array([[0, 0.5]], np.float32))
        assert picture[0].tolist() == [[1, 0, 0], [1, 0.5, 0.5]]

    def test_paste_stays_within_its_corners(self) -> None:
        picture = blank(40, 40, BLACK)
        paste(picture, blank(8, 8, WHITE), ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)))
        assert picture[:, 22:38].min() == pytest.approx(1)
        assert picture[:, :18].max() == 0

    def test_paste_keeps_what_is_up_up(self) -> None:
        picture = blank(40, 40, BLACK)
        paste(picture, gradient(16, 16, BLACK, RED), ((0, 0), (1, 0), (1, 1), (0, 1)))
        assert picture[5, 20, 0] < 0.25
        assert picture[35, 20, 0] > 0.75

    def test_grid_counts_cells_and_staggers(self) -> None:
        row, column, down, across = grid(4, 3, 24, stagger=0.5)
        assert row.max() == 3
        assert set(column[0].tolist()) == {0, 1, 2}
        assert column[6].max() == 3  # half a cell further
        assert 0 < down.min() < down.max() < 1
        assert 0 <= across.min() < across.max() < 1

    def test_cells_have_one_value_each(self) -> None:
        row, column, _, _ = grid(4, 3, 24)
        values = cell_values(rng(), row, column, 2.0, 3.0)
        assert len(np.unique(values)) == 12
        assert 2 <= values.min() < values.max() <= 3
