import cv2
import numpy as np
import pytest

from fer_det.faces.mtcnn.boxes import pyramid_scales
from fer_det.faces.mtcnn.resize import shrink

SIZES = [(350, 350), (100, 100), (1200, 37), (48, 333), (21, 22)]


def noise(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(7).uniform(-1, 1, (count, height, width, 3)).astype(np.float32)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_every_level_is_opencvs(height: int, width: int) -> None:
    pictures = noise(2, height, width)
    for scale in pyramid_scales(height, width):
        low, narrow = int(height * scale), int(width * scale)
        levels = shrink(pictures, low, narrow)
        assert levels.shape == (2, low, narrow, 3)
        assert levels.dtype == np.float32
        for picture, level in zip(pictures, levels, strict=True):
            wanted = cv2.resize(picture, (narrow, low), interpolation=cv2.INTER_AREA)
            np.testing.assert_allclose(level, wanted, rtol=0, atol=4e-7)


def test_the_mean_is_kept_where_rows_are_shared() -> None:
    # 5 rows onto 3: each target row has two thirds of a row in common with the next.
    column = np.arange(5, dtype=np.float32)
    pictures = np.broadcast_to(column[None, :, None, None], (1, 5, 5, 3)).copy()
    rows = shrink(pictures, 3, 5)[0, :, 0, 0]
    np.testing.assert_allclose(rows, [0.4, 2, 3.6], atol=1e-6)


def test_no_answer_depends_on_company() -> None:
    pictures = noise(3, 60, 41)
    together = shrink(pictures, 25, 17)
    for picture, level in zip(pictures, together, strict=True):
        np.testing.assert_array_equal(shrink(picture[None], 25, 17)[0], level)
