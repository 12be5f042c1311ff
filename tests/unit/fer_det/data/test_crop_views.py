from typing import get_args

import numpy as np
import pytest

from fer_det.config.scoring import CropViews
from fer_det.data.crop_views import PART, crop_views

SIZE = 64
COUNTS = {"one": 1, "flip": 2, "ten": 10}


def corners(matrix: np.ndarray) -> np.ndarray:
    """The corners of the part that fills the input, [2, 2]: left top and right bottom."""
    inverse = np.linalg.inv(matrix[:, :2])
    moved = [inverse @ (np.array(corner) - matrix[:, 2]) for corner in ((0, 0), (SIZE, SIZE))]
    return np.sort(np.stack(moved), axis=0)


@pytest.mark.parametrize("kind", get_args(CropViews))
def test_each_view_is_within_the_crop_and_has_its_mirror_image(kind: CropViews) -> None:
    views = crop_views(kind, SIZE)
    assert len(views) == COUNTS[kind]
    signs = [np.sign(np.linalg.det(view[:, :2])) for view in views]
    assert sum(signs) == (1 if kind == "one" else 0)
    for view in views:
        found = corners(view)
        assert found.min() >= -1e-9
        assert found.max() <= SIZE + 1e-9
        side = SIZE * (PART if kind == "ten" else 1)
        assert found[1] - found[0] == pytest.approx(side)


def test_ten_crops_touch_every_corner() -> None:
    lefts_and_tops = {tuple(np.round(corners(view)[0], 6)) for view in crop_views("ten", SIZE)}
    room = round(SIZE * (1 - PART), 6)
    expected = {(0.0, 0.0), (room, 0.0), (0.0, room), (room, room), (room / 2, room / 2)}
    assert lefts_and_tops == {tuple(np.round(place, 6)) for place in expected}
