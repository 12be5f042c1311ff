import numpy as np
import pytest

from fer_det.core.box import FaceBox
from fer_det.data.framing import LOOSENESS, TIGHTEST, draw_framing, face_square, loosen
from fer_det.imaging.affine import turn_box

SIZE = 96
WIDTH, HEIGHT = 300, 200
FACE = FaceBox(100, 60, 150, 120)


def draw(box: FaceBox, seed: int) -> np.ndarray:
    return draw_framing(box, WIDTH, HEIGHT, SIZE, np.random.default_rng(seed))


@pytest.mark.parametrize(
    "box", [FACE, FaceBox(0, 0, 30, 40), FaceBox(260, 150, 300, 200), FaceBox(40, 0, 240, 200)]
)
def test_face_is_whole_and_upright(box: FaceBox) -> None:
    for seed in range(50):
        matrix = draw(box, seed)
        assert matrix[0, 0] == matrix[1, 1] > 0
        assert matrix[0, 1] == matrix[1, 0] == 0
        edges = turn_box(box, matrix).as_tuple()
        assert min(edges) >= -1e-6
        assert max(edges) <= SIZE + 1e-6


def test_from_the_face_alone_to_the_whole_photo() -> None:
    sizes = [turn_box(FACE, draw(FACE, seed)).height / SIZE for seed in range(500)]
    assert 0.2 <= min(sizes) < 0.22
    assert 0.9 < max(sizes) <= 1 / TIGHTEST + 1e-6
    # Evenly on a logarithmic scale, so that the middle is the geometric one.
    assert np.median(sizes) == pytest.approx(np.sqrt(0.2 / TIGHTEST), rel=0.1)


def test_inside_the_photo_where_it_fits() -> None:
    for seed in range(50):
        matrix = draw(FACE, seed)
        side = SIZE / matrix[0, 0]
        left, top = -matrix[:, 2] / matrix[0, 0]
        assert -1e-6 <= left <= max(WIDTH - side, 0) + 1e-6
        assert -1e-6 <= top <= max(HEIGHT - side, 0) + 1e-6


def test_face_that_fills_the_photo_is_letterboxed() -> None:
    matrix = draw(FaceBox(-10, -10, 310, 215), 0)
    assert matrix == pytest.approx(np.array([[0.32, 0, 0], [0, 0.32, 0]]))


@pytest.mark.parametrize("box", [FACE, FaceBox(0, 0, 30, 40), FaceBox(-20, 10, 80, 30)])
@pytest.mark.parametrize("margin", [0.0, 0.25])
def test_square_about_a_face(box: FaceBox, margin: float) -> None:
    found = turn_box(box, face_square(box, margin, SIZE))
    assert found.centre == pytest.approx((SIZE / 2, SIZE / 2))
    # A margin of a quarter on both sides leaves two thirds of the square to the face.
    assert max(found.width, found.height) == pytest.approx(SIZE / (1 + 2 * margin))
    assert found.width / found.height == pytest.approx(box.width / box.height)


def test_loose_boxes() -> None:
    boxes = np.tile([10.0, 20.0, 50.0, 100.0], (400, 1))
    off = (loosen(boxes, np.random.default_rng(0)) - boxes) / [40, 80, 40, 80]
    assert abs(off).max() <= LOOSENESS
    assert (off.max(0) > 0.9 * LOOSENESS).all()
    assert (off.min(0) < -0.9 * LOOSENESS).all()
