import numpy as np
import pytest

from voc_builder.synthetic.materials.texture import sample_mask, sample_texture

RAMP = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_between_texels() -> None:
    columns, rows = np.array([0, 1.5, 3], np.float32), np.array([0, 0.5, 2], np.float32)
    found = sample_texture(RAMP, columns, rows, wrap=False)
    assert found.dtype == np.float32
    assert found == pytest.approx([0, 3.5, 11], abs=0.02)


def test_outside() -> None:
    columns, rows = np.array([-3, 4], np.float32), np.array([0, 1], np.float32)
    assert sample_texture(RAMP, columns, rows, wrap=False).tolist() == [0, 0]
    assert sample_texture(RAMP, columns, rows, wrap=True).tolist() == [1, 4]


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 70_000])
def test_any_number_of_points(count: int) -> None:
    columns = np.full(count, 2, np.float32)
    found = sample_texture(RAMP, columns, np.ones(count, np.float32), wrap=True)
    assert found.shape == (count,)
    assert (found == 6).all()


def test_a_mask_has_v_upwards() -> None:
    mask = np.zeros((4, 4), np.float32)
    mask[0, 3] = 1
    uv = np.array([[0.875, 0.875], [0.875, 0.125], [0.125, 0.875]], np.float32)
    assert sample_mask(mask, uv).tolist() == [1, 0, 0]
