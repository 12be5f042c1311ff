import numpy as np
import pytest
from numpy.typing import NDArray

from fer_det.imaging.affine import rotation_matrix
from fer_det.imaging.letterbox import Letterbox, warp

GRAY = (100, 110, 120)


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def centre_of_light(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(x, y) of a bright patch on black, between pixel edges."""
    light = pixels[..., 0].astype(np.float64)
    rows, columns = np.indices(light.shape) + 0.5
    return np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()


class TestWarp:
    def test_of_the_input_s_own_size_changes_nothing(self) -> None:
        pixels = noise(48, 48)
        matrix = Letterbox(48, 48, 48).matrix()
        assert np.array_equal(warp(pixels, matrix, 48, GRAY), pixels)

    @pytest.mark.parametrize("times", [2, 3, 4, 6, 8, 10])
    def test_shrinking_takes_the_mean_of_blocks(self, times: int) -> None:
        pixels = noise(24 * times, 24 * times)
        found = warp(pixels, Letterbox(24 * times, 24 * times, 24).matrix(), 24, GRAY)
        blocks = pixels.reshape(24, times, 24, times, 3).mean((1, 3))
        assert np.abs(found - blocks).max() <= 1

    @pytest.mark.parametrize("side", [49, 70, 100, 130, 333])
    def test_shrinking_by_any_factor_hides_no_stripes(self, side: int) -> None:
        pixels = np.zeros((side, side, 3), np.uint8)
        pixels[:, ::2] = 200
        found = warp(pixels, Letterbox(side, side, 24).matrix(), 24, GRAY)
        # A bilinear kernel alone would fall on bright or dark columns.
        assert np.abs(found[2:-2, 2:-2].astype(float) - 100).max() < 45

    def test_edge_lands_where_the_matrix_says(self) -> None:
        pixels = np.zeros((16, 16, 3), np.uint8)
        pixels[:, 10:] = 200
        found = warp(pixels, Letterbox(16, 16, 32).matrix(), 32, GRAY)[8, :, 0]
        # Between the pixels 19 and 20: a quarter and three quarters of the way, at every row.
        assert found[17:23].tolist() == [0, 0, 50, 150, 200, 200]

    @pytest.mark.parametrize("size", [24, 50, 90, 160])
    @pytest.mark.parametrize("degrees", [0.0, 20.0])
    def test_patch_lands_where_the_matrix_says(self, size: int, degrees: float) -> None:
        # Soft, so that shrinking by less than two loses nothing between its samples.
        y, x = np.indices((80, 80)) + 0.5
        light = 250 * np.exp(-(((x - 39) / 8) ** 2 + ((y - 28) / 6) ** 2) / 2)
        pixels = np.repeat(light.round().astype(np.uint8)[..., None], 3, axis=2)
        matrix = Letterbox(80, 80, size).matrix()
        turn = rotation_matrix(degrees, size, size)
        matrix = np.column_stack([turn[:, :2] @ matrix[:, :2], turn[:, 2]])
        found = centre_of_light(warp(pixels, matrix, size, (0, 0, 0)))
        assert found == pytest.approx(matrix @ [39, 28, 1], abs=0.05)

    def test_padding_fills_the_rest(self) -> None:
        pixels = noise(20, 40)
        found = warp(pixels, Letterbox(40, 20, 40).matrix(), 40, GRAY)
        assert np.array_equal(found[:20], pixels)
        assert (found[20:] == GRAY).all()

    @pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (3, 500)])
    def test_extreme_shapes(self, shape: tuple[int, int]) -> None:
        matrix = Letterbox(shape[1], shape[0], 32).matrix()
        assert warp(noise(*shape), matrix, 32, GRAY).shape == (32, 32, 3)

    def test_leaves_its_arguments_alone(self) -> None:
        pixels, matrix = noise(100, 90), Letterbox(90, 100, 32).matrix()
        before = pixels.copy(), matrix.copy()
        warp(pixels, matrix, 32, GRAY)
        assert np.array_equal(pixels, before[0])
        assert np.array_equal(matrix, before[1])


class TestBoxes:
    @pytest.mark.parametrize(("width", "height"), [(60, 48), (48, 60), (32, 32), (1000, 700)])
    def test_there_and_back(self, width: int, height: int) -> None:
        letterbox = Letterbox(width, height, 32)
        boxes = np.array([[0, 0, width, height], [3.5, 7, 20.25, 31]], np.float32)
        placed = boxes * np.float32(letterbox.matrix()[0, 0])
        assert placed.max() == pytest.approx(32)
        back = letterbox.boxes_to_picture(placed)
        assert back == pytest.approx(boxes, rel=1e-5)
        assert back.dtype == np.float32

    def test_come_back_clipped(self) -> None:
        boxes = np.array([[-3, -4, 20, 32], [10, 10, 40, 30]], np.float32)
        found = Letterbox(64, 32, 32).boxes_to_picture(boxes)
        assert found.tolist() == [[0, 0, 40, 32], [20, 20, 64, 32]]

    def test_none(self) -> None:
        assert Letterbox(64, 32, 32).boxes_to_picture(np.zeros((0, 4), np.float32)).shape == (0, 4)
