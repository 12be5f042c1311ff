"""Light lost between the lids and between the lips, where the mesh alone would be too bright."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from made_faces.curves import smooth_step
from made_faces.surface import Floats, Region, Surface

_EYES = (Region.LEFT_EYE, Region.RIGHT_EYE)
INSIDE_MOUTH = (Region.UPPER_TEETH, Region.LOWER_TEETH, Region.MOUTH_CAVITY, Region.TONGUE)
_HOLLOW = (Region.MOUTH_CAVITY, Region.TONGUE)

_LID_REACH = 0.0022
"""Metres below the upper lid over which it shades the eye."""
_LID_SHADE = 0.3
"""Part of the light that it keeps away."""
_LIP_REACH = 0.004
"""Metres inwards from the lips over which they shade what is behind them."""
_LIP_SHADE = 0.45
"""Part of the light that they keep away."""
_TEETH_FRONT = -0.146
"""y of the front teeth on the base head, metres."""
_MOUTH_DEPTH = 0.05
"""Metres behind them at which hardly any light is left; the paint darkens, too."""
_DEEPEST = 0.08
"""Part of the light that is left there."""


def recess_light(surface: Surface, width: int, height: int, pixels_per_metre: float) -> Floats:
    """[P] part of the light that reaches each point: 1 on the skin, less in eyes and mouth."""
    light = np.ones(len(surface.rows), np.float32)
    eyes = np.isin(surface.region, _EYES)
    inside = np.isin(surface.region, INSIDE_MOUTH)
    if eyes.any():
        reach = _LID_REACH * pixels_per_metre
        open_above = _opening(surface, eyes, width, height, reach, reach)
        light[eyes] = 1 - np.float32(_LID_SHADE) * (1 - smooth_step(0.1, 0.95, open_above))
    if inside.any():
        reach = _LIP_REACH * pixels_per_metre
        around = _opening(surface, inside, width, height, reach, reach / 2)
        behind = (surface.template[inside, 1] - np.float32(_TEETH_FRONT)) / np.float32(_MOUTH_DEPTH)
        deep = np.clip(1 - behind, _DEEPEST, 1)
        # Teeth stand in the light of the opening; the hollow behind sees little of it.
        deep = np.where(np.isin(surface.region[inside], _HOLLOW), deep * deep, deep)
        light[inside] = deep * (1 - np.float32(_LIP_SHADE) * (1 - smooth_step(0, 1, around)))
    return light


def _opening(
    surface: Surface, part: NDArray[np.bool_], width: int, height: int, reach: float, above: float
) -> Floats:
    """For the points of `part` [P] bool, how much of what lies around them belongs to it too.

    reach: how far around in pixels; above: how many pixels higher the look is taken.
    """
    rows, columns = surface.rows[part], surface.columns[part]
    margin = int(np.ceil(3 * reach + above)) + 1
    top, left = max(0, int(rows.min()) - margin), max(0, int(columns.min()) - margin)
    bottom = min(height, int(rows.max()) + margin + 1)
    right = min(width, int(columns.max()) + margin + 1)
    image = np.zeros((bottom - top, right - left), np.float32)
    image[rows - top, columns - left] = 1
    blurred: Any = cv2.GaussianBlur(image, (0, 0), max(reach, 0.5))
    higher = np.clip(rows - top - round(above), 0, None)
    opening: Floats = blurred[higher, columns - left]
    return opening
