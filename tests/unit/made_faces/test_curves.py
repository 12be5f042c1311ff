import numpy as np
import pytest

from made_faces.curves import (
    bell,
    interpolation_parts,
    smooth_ramp,
    smooth_step,
)

VALUES = np.array([-1, 0, 0.5, 1, 2, 3], np.float32)


@pytest.mark.parametrize("curve", [smooth_step, smooth_ramp])
def test_rises_smoothly_between_its_ends(curve) -> None:
    found = curve(0, 2, VALUES)
    # 3 t^2 - 2 t^3 at t = 1/4 is 5/32.
    assert found.tolist() == [0, 0, 5 / 32, 0.5, 1, 1]
    assert found.dtype == np.float32


def test_a_ramp_may_fall() -> None:
    assert smooth_ramp(2, 0, VALUES).tolist() == [1, 1, 27 / 32, 0.5, 0, 0]


def test_bell() -> None:
    assert bell(VALUES) == pytest.approx(np.exp([-1, 0, -0.25, -1, -4, -9]))


def test_parts_interpolate() -> None:
    stops = np.array([0.0, 1.0, 3.0])
    parts = interpolation_parts(np.array([-2.0, 0.25, 2.0, 9.0]), stops)
    assert parts.tolist() == [[1, 0, 0], [0.75, 0.25, 0], [0, 0.5, 0.5], [0, 0, 1]]
