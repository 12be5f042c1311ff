import numpy as np
import pytest
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.imaging.affine import rotation_matrix
from fer_det.imaging.view import View

GRAY = (100, 110, 120)


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def centre_of_light(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(x, y) of a bright patch on black, between pixel edges."""
    light = pixels[..., 0].astype(np.float64)
    rows, columns = np.indices(light.shape) + 0.5
    return np.array([(columns * light).sum(), (rows * light).sum()]) / light.sum()


class TestRender:
    def test_of_the_input_s_own_size_changes_nothing(self) -> None:
        pixels = noise(48, 48)
        assert np.array_equal(View.whole(48, 48, 48).render(pixels, GRAY), pixels)

    @pytest.mark.parametrize("times", [2, 3, 4, 6, 8, 10])
    def test_shrinking_takes_the_mean_of_blocks(self, times: int) -> None:
        pixels = noise(24 * times, 24 * times)
        found = View.whole(24 * times, 24 * times, 24).render(pixels, GRAY)
        blocks = pixels.reshape(24, times, 24, times, 3).mean((1, 3))
        assert np.abs(found - blocks).max() <= 1

    @pytest.mark.parametrize("side", [49, 70, 100, 130, 333])
    def test_shrinking_by_any_factor_hides_no_stripes(self, side: int) -> None:
        pixels = np.zeros((side, side, 3), np.uint8)
        pixels[:, ::2] = 200
        found = View.whole(side, side, 24).render(pixels, GRAY)
        # A bilinear kernel alone would fall on bright or dark columns.
        assert np.abs(found[2:-2, 2:-2].astype(float) - 100).max() < 45

    def test_edge_lands_where_the_matrix_says(self) -> None:
        pixels = np.zeros((16, 16, 3), np.uint8)
        pixels[:, 10:] = 200
        found = View.whole(16, 16, 32).render(pixels, GRAY)[8, :, 0]
        # Between the pixels 19 and 20: a quarter and three quarters of the way, at every row.
        assert found[17:23].tolist() == [0, 0, 50, 150, 200, 200]

    @pytest.mark.parametrize("size", [24, 50, 90, 160])
    @pytest.mark.parametrize("degrees", [0.0, 20.0])
    def test_patch_lands_where_the_matrix_says(self, size: int, degrees: float) -> None:
        # Soft, so that shrinking by less than two loses nothing between its samples.
        y, x = np.indices((80, 80)) + 0.5
        light = 250 * np.exp(-(((x - 39) / 8) ** 2 + ((y - 28) / 6) ** 2) / 2)
        pixels = np.repeat(light.round().astype(np.uint8)[..., None], 3, axis=2)
        view = View.whole(80, 80, size).then(rotation_matrix(degrees, size, size))
        found = centre_of_light(view.render(pixels, (0, 0, 0)))
        assert found == pytest.approx(view.matrix @ [39, 28, 1], abs=0.05)

    def test_padding_fills_the_rest(self) -> None:
        pixels = noise(20, 40)
        found = View.whole(40, 20, 40).render(pixels, GRAY)
        assert np.array_equal(found[:20], pixels)
        assert (found[20:] == GRAY).all()

    @pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (3, 500)])
    def test_extreme_shapes(self, shape: tuple[int, int]) -> None:
        view = View.whole(shape[1], shape[0], 32)
        assert view.render(noise(*shape), GRAY).shape == (32, 32, 3)

    def test_leaves_its_arguments_alone(self) -> None:
        pixels, view = noise(100, 90), View.whole(90, 100, 32)
        before = pixels.copy(), view.matrix.copy()
        view.render(pixels, GRAY)
        assert np.array_equal(pixels, before[0])
        assert np.array_equal(view.matrix, before[1])

    @pytest.mark.parametrize("side", [24, 40, 100, 333])
    def test_float_pixels_give_what_whole_numbers_give(self, side: int) -> None:
        pixels, view = noise(side, side), View.whole(side, side, 32)
        whole = view.render(pixels, GRAY)
        floats = view.render(pixels.astype(np.float32) / 255, (GRAY[0] / 255,) * 3)
        assert floats.dtype == np.float32
        assert np.abs(255 * floats[..., 0] - whole[..., 0]).max() <= 2


class TestFace:
    @pytest.mark.parametrize(
        "box", [FaceBox(100, 60, 150, 120), FaceBox(0, 0, 30, 40), FaceBox(-20, 10, 80, 30)]
    )
    @pytest.mark.parametrize("margin", [0.0, 0.25])
    def test_square_around_a_face(self, box: FaceBox, margin: float) -> None:
        view = View.face(box, margin, 96)
        found = FaceBox(*view.boxes_to_input(np.array([box.as_tuple()]))[0].tolist())
        assert found.centre == pytest.approx((48, 48), abs=1e-4)
        # A margin of a quarter on both sides leaves two thirds of the square to the face.
        assert max(found.width, found.height) == pytest.approx(96 / (1 + 2 * margin))
        assert found.width / found.height == pytest.approx(box.width / box.height, rel=1e-5)


class TestBoxes:
    @pytest.mark.parametrize(("width", "height"), [(60, 48), (48, 60), (32, 32), (1000, 700)])
    def test_there_and_back(self, width: int, height: int) -> None:
        view = View.whole(width, height, 32)
        boxes = np.array([[0, 0, width, height], [3.5, 7, 20.25, 31]], np.float32)
        placed = view.boxes_to_input(boxes)
        assert placed.max() == pytest.approx(32)
        back = view.boxes_to_picture(placed, width, height)
        assert back == pytest.approx(boxes, rel=1e-5)
        assert back.dtype == placed.dtype == np.float32

    def test_there_and_back_through_a_shifted_square(self) -> None:
        view = View.square(-10.0, 25.0, 60.0, 96)
        boxes = np.array([[3.5, 30, 20.25, 61]], np.float32)
        assert view.boxes_to_input(boxes)[0].tolist() == pytest.approx([21.6, 8, 48.4, 57.6])
        back = view.boxes_to_picture(view.boxes_to_input(boxes), 100, 80)
        assert back == pytest.approx(boxes, rel=1e-5)

    def test_come_back_clipped(self) -> None:
        boxes = np.array([[-3, -4, 20, 32], [10, 10, 40, 30]], np.float32)
        found = View.whole(64, 32, 32).boxes_to_picture(boxes, 64, 32)
        assert found.tolist() == [[0, 0, 40, 32], [20, 20, 64, 32]]

    def test_none(self) -> None:
        none = np.zeros((0, 4), np.float32)
        assert View.whole(64, 32, 32).boxes_to_picture(none, 64, 32).shape == (0, 4)
