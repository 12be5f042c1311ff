from typing import Literal

import numpy as np
import pytest

from made_faces.texture import sample_mask, sample_texture

RAMP = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_between_texels() -> None:
    columns, rows = np.array([0, 1.5, 3], np.float32), np.array([0, 0.5, 2], np.float32)
    found = sample_texture(RAMP, columns, rows, "zero")
    assert found.dtype == np.float32
    assert found == pytest.approx([0, 3.5, 11], abs=0.02)


@pytest.mark.parametrize(
    ("outside", "wanted"), [("zero", [0, 0]), ("repeat", [1, 4]), ("edge", [0, 7])]
)
def test_outside(outside: Literal["zero", "repeat", "edge"], wanted: list[float]) -> None:
    columns, rows = np.array([-3, 4], np.float32), np.array([0, 1], np.float32)
    assert sample_texture(RAMP, columns, rows, outside).tolist() == wanted


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 70_000])
def test_any_number_of_points(count: int) -> None:
    columns = np.full(count, 2, np.float32)
    found = sample_texture(RAMP, columns, np.ones(count, np.float32), "repeat")
    assert found.shape == (count,)
    assert (found == 6).all()


def test_channels_are_kept() -> None:
    both = np.dstack([RAMP, -RAMP])
    found = sample_texture(both, np.array([2], np.float32), np.array([1], np.float32), "edge")
    assert found.tolist() == [[6, -6]]


def test_a_mask_has_v_upwards() -> None:
    mask = np.zeros((4, 4), np.float32)
    mask[0, 3] = 1
    uv = np.array([[0.875, 0.875], [0.875, 0.125], [0.125, 0.875]], np.float32)
    assert sample_mask(mask, uv).tolist() == [1, 0, 0]
