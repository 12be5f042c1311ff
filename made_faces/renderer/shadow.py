"""Light that does not arrive: cast shadows, ambient occlusion, and cavities of eyes and mouth."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from made_faces.renderer.rasteriser import inverse_depth_map
from made_faces.surface import UP, Floats, Ints, Region, Surface, unit
from made_faces.texture import look_up_texture, smooth_step

_MAP_SIZE = 224
"""Side of the shadow map in pixels."""
_MAP_EXTENT = 0.42
"""Side of the shadow map in metres: the head, its neck and the shaded part of the shoulders."""
_LIGHT_PLANE = 2.0
"""Metres from the centre of the head to the light's image plane; any plane in front of the head."""
_BIAS = 0.004
"""Minimum depth difference in metres for a shadow; more than a pixel of the map, or surfaces would
shade themselves in stripes."""
_LIFT = 0.008
"""Metres above the surface at which points at grazing incidence are looked up; otherwise the flat
triangles of the mesh would be visible at the terminator."""
_EDGE = 0.006
"""Depth difference in metres over which a shadow becomes full."""


def cast_shadow(
    points: Floats, triangles: Ints, surface: Surface, middle: Floats, light: Floats
) -> Floats:
    """[P] 0 in the light to 1 in the shadow cast by `triangles`, with hard edges.

    middle [3]: centre of the shadow map in the world. light [3]: unit vector towards the light.
    Points outside the map are lit.
    """
    across = unit(np.cross(_not_parallel(light), light).astype(np.float32))
    upwards = np.cross(light, across).astype(np.float32)
    axes = np.stack([across, upwards, light], axis=1)
    nearest = inverse_depth_map(
        _to_light_view(points, middle, axes), triangles, _MAP_SIZE, _MAP_SIZE
    )
    grazing = 1 - np.clip(surface.normal @ light, 0, 1)
    lifted = surface.position + surface.normal * (np.float32(_LIFT) * grazing)[:, None]
    place = _to_light_view(lifted, middle, axes)
    # Pixel centres are at + 0.5, samples of the map at whole numbers.
    columns, rows = place[:, 0] - np.float32(0.5), place[:, 1] - np.float32(0.5)
    blocker = look_up_texture(nearest, columns, rows, "zero")
    behind = blocker - place[:, 2] - np.float32(_BIAS)
    shadow: Floats = np.clip(behind / np.float32(_EDGE), 0, 1)
    return shadow


def blur_over_surface(
    values: Floats, surface: Surface, width: int, height: int, deviation: float
) -> Floats:
    """[P] values on the surface, blurred in the picture but not across the outline of the head.

    deviation: standard deviation in pixels of the renderer.
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


def _to_light_view(points: Floats, middle: Floats, axes: Floats) -> Floats:
    """[N, 3] column, row and inverse depth (metres) in the picture seen from the light."""
    seen = np.asarray((points - middle) @ axes, np.float32)
    seen[:, :2] *= np.float32(_MAP_SIZE / _MAP_EXTENT)
    seen[:, :2] += np.float32(_MAP_SIZE / 2)
    seen[:, 2] += np.float32(_LIGHT_PLANE)
    return seen


def _not_parallel(light: Floats) -> Floats:
    """Return a direction that is not parallel to the light."""
    return UP if abs(float(light[2])) < 0.99 else np.array([0, -1, 0], np.float32)


_NEIGHBOURHOODS = ((0.004, 45.0, 0.3), (0.012, 28.0, 0.5), (0.035, 9.0, 0.5))
"""Radius of a neighbourhood in metres, loss of light per metre of depth behind its mean, and the
largest loss: for folds of the skin, for eye sockets and nostrils, for the neck below the chin."""
_BACKDROP = 0.12
"""Assumed distance of the background behind the target in metres; it hardly brightens outlines."""
_FINEST = 2.0
"""Standard deviation in pixels to which an image is reduced before it is blurred."""


def ambient_occlusion(inverse_depth: Floats, distance: float, pixels_per_metre: float) -> Floats:
    """[H, W] 1 unoccluded to 0 fully occluded, estimated from the depth of neighbouring pixels.

    inverse_depth [H, W]: 1 / distance along the view axis, 0 for the background. distance and
    pixels_per_metre: of the camera, at its target.
    """
    backdrop = np.float32(1 / (distance + _BACKDROP))
    depth: Floats = np.reciprocal(np.maximum(inverse_depth, backdrop))
    light: Floats = np.ones_like(depth)
    for radius, loss, most in _NEIGHBOURHOODS:
        around = _blur(depth, max(1.0, radius * pixels_per_metre))
        light *= 1 - np.clip((depth - around) * np.float32(loss), 0, np.float32(most))
    return light


def contact_occlusion(
    before: Floats, after: Floats, distance: float, pixels_per_metre: float
) -> Floats:
    """[H, W] fraction of the light that a newly drawn object leaves to its surroundings.

    before, after [H, W]: inverse depth without and with the object; where they differ, the object
    itself is visible and the value is 1. distance, pixels_per_metre: as in ambient_occlusion.
    """
    least = np.float32(0.05)
    without = np.maximum(ambient_occlusion(before, distance, pixels_per_metre), least)
    left = np.minimum(ambient_occlusion(after, distance, pixels_per_metre) / without, 1)
    light: Floats = np.where(after == before, left, np.float32(1))
    return light


def _blur(image: Floats, deviation: float) -> Floats:
    """Gaussian blur, computed on a reduced image where the deviation is large."""
    height, width = image.shape
    factor = max(1.0, deviation / _FINEST)
    size = (max(8, round(width / factor)), max(8, round(height / factor)))
    small: Any = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(
        small, (0, 0), deviation * size[0] / width, borderType=cv2.BORDER_REPLICATE
    )
    blurred: Floats = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return blurred


_EYES = (Region.LEFT_EYE, Region.RIGHT_EYE)
INSIDE_MOUTH = (Region.UPPER_TEETH, Region.LOWER_TEETH, Region.MOUTH_CAVITY, Region.TONGUE)
_MOUTH_HOLLOW = (Region.MOUTH_CAVITY, Region.TONGUE)

_LID_REACH = 0.0022
"""Metres below the upper lid over which it shades the eye."""
_LID_SHADE = 0.3
"""Largest fraction of the light that the lid blocks."""
_LIP_REACH = 0.004
"""Metres inwards from the lips over which they shade the inside of the mouth."""
_LIP_SHADE = 0.45
"""Largest fraction of the light that the lips block."""
_TEETH_FRONT = -0.146
"""y of the front teeth on the base head in metres."""
_MOUTH_DEPTH = 0.05
"""Metres behind the front teeth at which hardly any light is left."""
_MIN_MOUTH_LIGHT = 0.08
"""Fraction of the light that is left there."""


def cavity_light(surface: Surface, width: int, height: int, pixels_per_metre: float) -> Floats:
    """[P] fraction of the light that reaches each point: 1 on skin, less in eyes and mouth."""
    light = np.ones(len(surface.rows), np.float32)
    eyes = np.isin(surface.region, _EYES)
    inside = np.isin(surface.region, INSIDE_MOUTH)
    if eyes.any():
        reach = _LID_REACH * pixels_per_metre
        open_above = _open_share(surface, eyes, width, height, reach, reach)
        light[eyes] = 1 - np.float32(_LID_SHADE) * (1 - smooth_step(0.1, 0.95, open_above))
    if inside.any():
        reach = _LIP_REACH * pixels_per_metre
        around = _open_share(surface, inside, width, height, reach, reach / 2)
        behind = (surface.template[inside, 1] - np.float32(_TEETH_FRONT)) / np.float32(_MOUTH_DEPTH)
        deep = np.clip(1 - behind, _MIN_MOUTH_LIGHT, 1)
        # Teeth receive the light of the opening, the cavity behind them little of it.
        deep = np.where(np.isin(surface.region[inside], _MOUTH_HOLLOW), deep * deep, deep)
        light[inside] = deep * (1 - np.float32(_LIP_SHADE) * (1 - smooth_step(0, 1, around)))
    return light


def _open_share(
    surface: Surface, part: NDArray[np.bool_], width: int, height: int, reach: float, above: float
) -> Floats:
    """For the points of `part` [P] bool return the share of their surroundings that belongs to it.

    reach: standard deviation of the surroundings in pixels; above: offset upwards in pixels.
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
