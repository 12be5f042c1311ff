"""Interpolation curves, texture lookup and periodic noise textures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from made_faces.surface import Floats


def smooth_step(low: float, high: float, values: Floats) -> Floats:
    """0 up to `low`, 1 from `high` on, a cubic in between."""
    part = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    smooth: Floats = part * part * (3 - 2 * part)
    return smooth


def smooth_ramp(start: float, end: float, values: NDArray[Any]) -> Floats:
    """0 before `start`, 1 after `end`, a cubic in between; `end` may be less than `start`.

    smooth_step divides where this multiplies, so the last bits differ. Exchanging the two would
    change the bytes of the pictures.
    """
    part: NDArray[Any] = (values - start) * (1 / (end - start))
    np.clip(part, 0, 1, out=part)
    smooth: Floats = part * part * (3 - 2 * part)
    return smooth


def gaussian(values: NDArray[Any]) -> Floats:
    """exp(-values^2): 1 at 0, 1 / e at -1 and 1."""
    height: Floats = np.exp(-(values * values))
    return height


def interpolation_weights(values: NDArray[Any], stops: NDArray[Any]) -> NDArray[np.float64]:
    """[N, K] weights of linear interpolation of values [N] between K ascending stops.

    Rows sum to 1; values outside the stops get the nearest stop.
    """
    return np.stack([np.interp(values, stops, row) for row in np.eye(len(stops))], axis=1)


_ROW = 512
"""Points are passed to cv2.remap in rows of this length: it accepts no map of 32,768 rows or
columns."""
_BORDERS = {
    "repeat": cv2.BORDER_WRAP,
    "edge": cv2.BORDER_REPLICATE,
    "zero": cv2.BORDER_CONSTANT,
}


def look_up_texture(
    texture: Floats, columns: Floats, rows: Floats, outside: Literal["repeat", "edge", "zero"]
) -> Floats:
    """Interpolate `texture` [H, W] or [H, W, C] linearly at points -> [P] or [P, C].

    columns, rows [P]: in texels, 0 is the centre of the first texel. outside: beyond the texture,
    repeat it, continue its edge values, or return 0.
    """
    count = len(columns)
    if not count:
        return np.zeros((0, *texture.shape[2:]), np.float32)
    maps = np.zeros((2, -(-count // _ROW) * _ROW), np.float32)
    maps[0, :count] = columns
    maps[1, :count] = rows
    column_map, row_map = maps.reshape(2, -1, _ROW)
    border = _BORDERS[outside]
    found = cv2.remap(texture, column_map, row_map, cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(found, np.float32).reshape(-1, *texture.shape[2:])[:count]


def look_up_mask(mask: Floats, uv: Floats) -> Floats:
    """Look up uv [P, 2], v upwards, in a square mask [N, N] whose first row is v = 1."""
    size = np.float32(len(mask))
    half = np.float32(0.5)
    return look_up_texture(mask, uv[:, 0] * size - half, (1 - uv[:, 1]) * size - half, "zero")


TEXELS = 512
"""Side of a noise texture; its shortest wave is two texels long."""

_SEED = 7


@dataclass(frozen=True)
class _Band:
    """Frequency band of a noise texture, in periods per texture."""

    across: tuple[float, float]
    """Lowest and highest frequency along u."""
    along: tuple[float, float]
    """Lowest and highest frequency along v."""
    falloff: float
    """Exponent by which the amplitude falls with frequency: 1 is cloud-like, 0 grain-like."""


_BANDS = {
    "low": _Band((0, 14), (0, 14), 1.0),
    "mid": _Band((12, 70), (12, 70), 0.9),
    "fine": _Band((56, 230), (56, 230), 0.4),
    # High frequencies across and low ones along give strands along v.
    "strand": _Band((40, 220), (1, 9), 0.5),
    "strand2": _Band((40, 130), (0.5, 4), 0.5),
}


def noise(name: str, u: NDArray[Any], v: NDArray[Any]) -> Floats:
    """Look up the noise texture `name` at u, v [P]; it repeats with period 1 in both.

    low: patches, mid: blotches, fine: grain, strand: hairs along v, strand2: longer and coarser
    hairs. Returns [P] with mean 0 and standard deviation 1 over a period.
    """
    size = np.float32(TEXELS)
    return look_up_texture(
        noise_texture(name), (u - np.floor(u)) * size, (v - np.floor(v)) * size, "repeat"
    )


@cache
def noise_texture(name: str) -> Floats:
    """One period of the noise, [TEXELS, TEXELS], rows along v; the same in every run."""
    band = _BANDS[name]
    rng = np.random.default_rng([_SEED, sorted(_BANDS).index(name)])
    spectrum = np.fft.rfft2(rng.standard_normal((TEXELS, TEXELS)))
    pattern = np.fft.irfft2(spectrum * _amplitudes(band), s=(TEXELS, TEXELS))
    pattern -= pattern.mean()
    texture: Floats = (pattern / pattern.std()).astype(np.float32)
    texture.setflags(write=False)
    return texture


def _amplitudes(band: _Band) -> Floats:
    """[TEXELS, TEXELS // 2 + 1] amplitude of each frequency, 0 outside the band."""
    across = np.fft.rfftfreq(TEXELS, 1 / TEXELS)[None, :]
    along = np.abs(np.fft.fftfreq(TEXELS, 1 / TEXELS))[:, None]
    if band.across == band.along:
        number = np.hypot(across, along)
        weight = _window(number, *band.across)
    else:
        number = across + 0 * along
        weight = _window(across, *band.across) * _window(along, *band.along)
    amplitudes: Floats = weight / np.maximum(number, 1) ** band.falloff
    return amplitudes


def _window(number: Floats, least: float, most: float) -> Floats:
    """1 between least and most, with a Gaussian falloff on both sides to avoid ringing."""
    below = np.exp(-np.square(np.maximum(least - number, 0) / max(least * 0.3, 0.5)))
    above = np.exp(-np.square(np.maximum(number - most, 0) / (most * 0.25)))
    window: Floats = below * above
    return window
