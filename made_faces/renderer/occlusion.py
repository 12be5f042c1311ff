"""How open to the light around each pixel lies, judged by the depth of its neighbours."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from made_faces.surface import Floats

_SCALES = ((0.004, 45.0, 0.3), (0.012, 28.0, 0.5), (0.035, 9.0, 0.5))
"""Radius of a neighbourhood in metres, loss of light a metre that a point lies behind its mean, and
the most that may be lost: folds of the skin, eye sockets and nostrils, the neck below the chin."""
_BACKDROP = 0.12
"""Metres behind the target to which the background counts: it must not brighten outlines much."""
_FINEST = 2.0
"""Standard deviation in pixels to which a blur's picture may be shrunk: the eye sees no more."""


def openness(nearness: Floats, distance: float, pixels_per_metre: float) -> Floats:
    """[H, W] 1 in the open to 0 in a deep hollow.

    nearness [H, W]: 1 / distance along the view, 0 where there is nothing. distance and
    pixels_per_metre: the camera's, at its target.
    """
    backdrop = np.float32(1 / (distance + _BACKDROP))
    depth: Floats = np.reciprocal(np.maximum(nearness, backdrop))
    light: Floats = np.ones_like(depth)
    for radius, loss, most in _SCALES:
        around = _blur(depth, max(1.0, radius * pixels_per_metre))
        light *= 1 - np.clip((depth - around) * np.float32(loss), 0, np.float32(most))
    return light


def contact_light(
    before: Floats, after: Floats, distance: float, pixels_per_metre: float
) -> Floats:
    """[H, W] part of the light that something drawn since leaves to what lies beside it.

    before, after [H, W]: the nearness without it and with it; where they differ, the thing itself
    is seen and keeps its light, 1. distance, pixels_per_metre: as for openness.
    """
    least = np.float32(0.05)
    without = np.maximum(openness(before, distance, pixels_per_metre), least)
    left = np.minimum(openness(after, distance, pixels_per_metre) / without, 1)
    light: Floats = np.where(after == before, left, np.float32(1))
    return light


def _blur(image: Floats, deviation: float) -> Floats:
    """A Gaussian blur, of a smaller picture where nobody can tell."""
    height, width = image.shape
    factor = max(1.0, deviation / _FINEST)
    size = (max(8, round(width / factor)), max(8, round(height / factor)))
    small: Any = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(
        small, (0, 0), deviation * size[0] / width, borderType=cv2.BORDER_REPLICATE
    )
    blurred: Floats = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return blurred
