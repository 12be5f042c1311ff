import numpy as np
import pytest

from made_faces.scene.drawing import (
    blank,
    cell_values,
    clouds,
    fill_box,
    fill_ellipse,
    fill_polygon,
    glow,
    gradient,
    grid,
    mix,
    paste,
    sample_colour,
)

BLACK = np.zeros(3, np.float32)
RED = np.array([1, 0, 0], np.float32)
WHITE = np.ones(3, np.float32)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


class TestDrawing:
    def test_colours_lie_in_their_range(self) -> None:
        for seed in range(20):
            colour = sample_colour(rng(seed), (0.5, 0.6), (0.2, 0.4), (100, 140))
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
