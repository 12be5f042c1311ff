"""Soft edges and soft spots: the curves that shapes, colours and lights are faded with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from made_faces.surface import Floats


def smooth_step(low: float, high: float, values: Floats) -> Floats:
    """0 up to `low`, 1 from `high` on, smooth in between."""
    part = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    smooth: Floats = part * part * (3 - 2 * part)
    return smooth


def smooth_ramp(start: float, end: float, values: NDArray[Any]) -> Floats:
    """0 where values have not reached `start`, 1 beyond `end`, smooth between; either may be less.

    It multiplies where smooth_step divides, so the two differ in their last bits: neither may stand
    in for the other as long as made pictures are to keep their bytes.
    """
    part: NDArray[Any] = (values - start) * (1 / (end - start))
    np.clip(part, 0, 1, out=part)
    smooth: Floats = part * part * (3 - 2 * part)
    return smooth


def bell(values: NDArray[Any]) -> Floats:
    """exp(-values^2): 1 at 0, 1 / e at -1 and 1."""
    height: Floats = np.exp(-(values * values))
    return height


def interpolation_parts(values: NDArray[Any], stops: NDArray[Any]) -> NDArray[np.float64]:
    """[N, K] how much each of K ascending stops has of a value [N] by linear interpolation.

    Rows sum to 1; what lies outside belongs to the nearest stop.
    """
    return np.stack([np.interp(values, stops, row) for row in np.eye(len(stops))], axis=1)
