"""Random patterns that repeat without a seam: the unevenness of skin, hair and cloth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from made_faces.surface import Floats
from made_faces.texture import sample_texture

TEXELS = 512
"""Side of a texture; the finest wave that it can hold is two texels long."""

_SEED = 7


@dataclass(frozen=True)
class _Band:
    """Which waves a texture is made of, in periods across the texture."""

    across: tuple[float, float]
    """Least and most, along u."""
    along: tuple[float, float]
    """Least and most, along v."""
    falloff: float
    """Power of the wave's number by which its amplitude falls: 1 is cloudy, 0 grainy."""


_BANDS = {
    "low": _Band((0, 14), (0, 14), 1.0),
    "mid": _Band((12, 70), (12, 70), 0.9),
    "fine": _Band((56, 230), (56, 230), 0.4),
    # Waves that are short across and long along are strands, running along v.
    "strand": _Band((40, 220), (1, 9), 0.5),
    "strand2": _Band((40, 130), (0.5, 4), 0.5),
}


def noise(name: str, u: NDArray[Any], v: NDArray[Any]) -> Floats:
    """Look the pattern `name` up at u, v [P]; it repeats with period 1 in both.

    low: patches, mid: blotches, fine: grain, strand: hairs along v, strand2: longer and coarser
    ones. Returns [P] with mean 0 and standard deviation 1 over a period.
    """
    size = np.float32(TEXELS)
    return sample_texture(
        noise_texture(name), (u - np.floor(u)) * size, (v - np.floor(v)) * size, "repeat"
    )


@cache
def noise_texture(name: str) -> Floats:
    """One period of the pattern, [TEXELS, TEXELS], rows along v; the same on every run."""
    band = _BANDS[name]
    rng = np.random.default_rng([_SEED, sorted(_BANDS).index(name)])
    spectrum = np.fft.rfft2(rng.standard_normal((TEXELS, TEXELS)))
    pattern = np.fft.irfft2(spectrum * _amplitudes(band), s=(TEXELS, TEXELS))
    pattern -= pattern.mean()
    texture: Floats = (pattern / pattern.std()).astype(np.float32)
    texture.setflags(write=False)
    return texture


def _amplitudes(band: _Band) -> Floats:
    """[TEXELS, TEXELS // 2 + 1] weight of each wave, 0 outside the band."""
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
    """1 between least and most, falling off softly to both sides so that nothing rings."""
    below = np.exp(-np.square(np.maximum(least - number, 0) / max(least * 0.3, 0.5)))
    above = np.exp(-np.square(np.maximum(number - most, 0) / (most * 0.25)))
    window: Floats = below * above
    return window
