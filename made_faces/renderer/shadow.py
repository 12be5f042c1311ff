"""How much of the key light each point of a head misses because the head is in its own way."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from made_faces.geometry import UP, unit
from made_faces.renderer.rasteriser import nearness_map
from made_faces.surface import Floats, Ints, Surface
from made_faces.texture import sample_texture

_MAP_SIZE = 224
"""Pixels on a side of the picture that the light takes of the head."""
_MAP_EXTENT = 0.42
"""Metres on that side: a head, its neck and what they shade of the shoulders."""
_BEFORE = 2.0
"""Metres from the head's middle to the plane from which the light looks; any that clears it."""
_BIAS = 0.004
"""Metres that a point must lie behind another to be shaded: coarser than the map's pixels, or a
surface would shade itself in stripes."""
_LIFT = 0.008
"""Metres by which a point that the light grazes is looked up above the surface: the mesh's flat
triangles would show where light turns into shadow."""
_EDGE = 0.006
"""Metres over which a shadow sets in."""


def cast_shadow(
    points: Floats, triangles: Ints, surface: Surface, middle: Floats, light: Floats
) -> Floats:
    """[P] 0 in the light to 1 in the shadow that `triangles` cast, its edges still hard.

    middle [3]: the middle of the map in the world. light [3]: unit vector towards the light.
    Outside the map all is lit.
    """
    across = unit(np.cross(_upright(light), light).astype(np.float32))
    upwards = np.cross(light, across).astype(np.float32)
    axes = np.stack([across, upwards, light], axis=1)
    nearest = nearness_map(_seen_by_light(points, middle, axes), triangles, _MAP_SIZE, _MAP_SIZE)
    grazing = 1 - np.clip(surface.normal @ light, 0, 1)
    lifted = surface.position + surface.normal * (np.float32(_LIFT) * grazing)[:, None]
    place = _seen_by_light(lifted, middle, axes)
    # Pixel centres lie at + 0.5, the map's samples at whole numbers.
    columns, rows = place[:, 0] - np.float32(0.5), place[:, 1] - np.float32(0.5)
    blocker = sample_texture(nearest, columns, rows, "zero")
    behind = blocker - place[:, 2] - np.float32(_BIAS)
    shadow: Floats = np.clip(behind / np.float32(_EDGE), 0, 1)
    return shadow


def blur_over_surface(
    values: Floats, surface: Surface, width: int, height: int, deviation: float
) -> Floats:
    """[P] values on the surface, blurred over the picture but not across the head's outline.

    deviation: the blur's standard deviation in pixels of the renderer.
    """
    if deviation <= 0:
        return values
    shape = (height, width)
    image, cover = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    image[surface.rows, surface.columns] = values
    cover[surface.rows, surface.columns] = 1
    blurred: Any = cv2.GaussianBlur(image, (0, 0), deviation)
    weight: Any = cv2.GaussianBlur(cover, (0, 0), deviation)
    at = (surface.rows, surface.columns)
    softened: Floats = blurred[at] / np.maximum(weight[at], np.float32(1e-3))
    return softened


def _seen_by_light(points: Floats, middle: Floats, axes: Floats) -> Floats:
    """[N, 3] column, row and nearness to the light (metres) in the light's own picture."""
    seen = np.asarray((points - middle) @ axes, np.float32)
    seen[:, :2] *= np.float32(_MAP_SIZE / _MAP_EXTENT)
    seen[:, :2] += np.float32(_MAP_SIZE / 2)
    seen[:, 2] += np.float32(_BEFORE)
    return seen


def _upright(light: Floats) -> Floats:
    """A direction that is not the light's."""
    return UP if abs(float(light[2])) < 0.99 else np.array([0, -1, 0], np.float32)
