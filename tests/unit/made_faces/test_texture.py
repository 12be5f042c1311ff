from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from made_faces.texture import (
    TEXELS,
    gaussian,
    interpolation_weights,
    look_up_mask,
    look_up_texture,
    noise,
    noise_texture,
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


def test_gaussian() -> None:
    assert gaussian(VALUES) == pytest.approx(np.exp([-1, 0, -0.25, -1, -4, -9]))


def test_weights_interpolate() -> None:
    stops = np.array([0.0, 1.0, 3.0])
    parts = interpolation_weights(np.array([-2.0, 0.25, 2.0, 9.0]), stops)
    assert parts.tolist() == [[1, 0, 0], [0.75, 0.25, 0], [0, 0.5, 0.5], [0, 0, 1]]


RAMP = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_between_texels() -> None:
    columns, rows = np.array([0, 1.5, 3], np.float32), np.array([0, 0.5, 2], np.float32)
    found = look_up_texture(RAMP, columns, rows, "zero")
    assert found.dtype == np.float32
    assert found == pytest.approx([0, 3.5, 11], abs=0.02)


@pytest.mark.parametrize(
    ("outside", "wanted"), [("zero", [0, 0]), ("repeat", [1, 4]), ("edge", [0, 7])]
)
def test_outside(outside: Literal["zero", "repeat", "edge"], wanted: list[float]) -> None:
    columns, rows = np.array([-3, 4], np.float32), np.array([0, 1], np.float32)
    assert look_up_texture(RAMP, columns, rows, outside).tolist() == wanted


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 70_000])
def test_any_number_of_points(count: int) -> None:
    columns = np.full(count, 2, np.float32)
    found = look_up_texture(RAMP, columns, np.ones(count, np.float32), "repeat")
    assert found.shape == (count,)
    assert (found == 6).all()


def test_channels_are_kept() -> None:
    both = np.dstack([RAMP, -RAMP])
    found = look_up_texture(both, np.array([2], np.float32), np.array([1], np.float32), "edge")
    assert found.tolist() == [[6, -6]]


def test_a_mask_has_v_upwards() -> None:
    mask = np.zeros((4, 4), np.float32)
    mask[0, 3] = 1
    uv = np.array([[0.875, 0.875], [0.875, 0.125], [0.125, 0.875]], np.float32)
    assert look_up_mask(mask, uv).tolist() == [1, 0, 0]


NAMES = ("low", "mid", "fine", "strand", "strand2")
AT_100_200 = [-0.705, 0.5292, -1.8158, -2.2679, 0.038]


def mean_step(texture: np.ndarray, axis: int) -> float:
    """Mean difference from one texel to the next, including the seam."""
    return float(np.abs(np.roll(texture, 1, axis) - texture).mean())


@pytest.mark.parametrize("name", NAMES)
class TestEveryPattern:
    def test_mean_and_deviation(self, name: str) -> None:
        texture = noise_texture(name)
        assert texture.shape == (TEXELS, TEXELS)
        assert texture.dtype == np.float32
        assert abs(float(texture.mean())) < 1e-4
        assert float(texture.std()) == pytest.approx(1, abs=1e-4)
        assert 2.5 < float(np.abs(texture).max()) < 7

    @pytest.mark.parametrize("axis", [0, 1])
    def test_no_seam(self, name: str, axis: int) -> None:
        texture = noise_texture(name)
        seam = np.abs(texture.take(0, axis) - texture.take(-1, axis)).mean()
        assert seam < 1.5 * mean_step(texture, axis)

    def test_repeats(self, name: str) -> None:
        rng = np.random.default_rng(0)
        u, v = rng.random((2, 200)).astype(np.float32)
        assert noise(name, u + 3, v - 2) == pytest.approx(noise(name, u, v), abs=0.02)

    def test_cannot_be_changed(self, name: str) -> None:
        with pytest.raises(ValueError, match="read-only"):
            noise_texture(name)[0, 0] = 1


def test_from_coarse_to_fine() -> None:
    steps = [mean_step(noise_texture(name), 0) for name in ("low", "mid", "fine")]
    assert steps[0] < steps[1] / 2 < steps[2] / 3


def test_strands_run_along_v() -> None:
    for name in ("strand", "strand2"):
        texture = noise_texture(name)
        assert mean_step(texture, 1) > 8 * mean_step(texture, 0)


def test_every_machine_makes_the_same() -> None:
    # Values of the generator PCG64 through NumPy's FFT, recorded once; other processors differ in
    # the last digits only.
    found = [float(noise_texture(name)[100, 200]) for name in NAMES]
    assert found == pytest.approx(AT_100_200, abs=1e-3)
