"""Fine relief: bending the normals of a surface by the height painted on it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from made_faces.geometry import unit
from made_faces.surface import Floats, Surface

_STEEPEST = 0.9
"""Slope to which the relief is held, where two regions meet at different heights."""
_CREASES = 450.0
"""Loss of light a metre of depth, in creases too fine for the depth of the mesh to show."""
_DARKEST, _BRIGHTEST = -0.35, 0.1
"""The most that creases lose and ridges gain."""


def bend_normals(
    surface: Surface, height: Floats, width: int, rows: int, pixels_per_metre: float
) -> Floats:
    """[P, 3] the surface's normals, bent by the slope of the relief [P] in metres.

    width, rows: the picture's size in pixels.
    """
    at = (surface.rows, surface.columns)
    image = np.zeros((rows, width), np.float32)
    image[at] = height
    scale = pixels_per_metre / 8  # A Sobel filter sums eight differences of one pixel each.
    to_right: Any = cv2.Sobel(image, cv2.CV_32F, 1, 0, scale=scale)
    downwards: Any = cv2.Sobel(image, cv2.CV_32F, 0, 1, scale=scale)
    slope = np.zeros_like(surface.normal)
    # The picture's columns follow x and its rows run against z.
    slope[:, 0], slope[:, 2] = to_right[at], -downwards[at]
    np.clip(slope, -_STEEPEST, _STEEPEST, out=slope)
    lean = np.einsum("pi,pi->p", slope, surface.normal)[:, None]
    return unit(surface.normal - (slope - lean * surface.normal))


def crease_light(height: Floats) -> Floats:
    """[P] how much of the light reaches the bottom of the relief's creases, about 1."""
    light: Floats = 1 + np.clip(height * np.float32(_CREASES), _DARKEST, _BRIGHTEST)
    return light.astype(np.float32)
