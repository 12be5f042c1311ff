"""A hand in front of the face: over the mouth, along a cheek, or under the chin.

A hand is a set of tapered round bars. They are merged into a height field over the picture in which
neighbouring bars blend smoothly, as skin does between fingers; its slope gives the normals.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from made_faces.accessories.hand_poses import Bars, sample_hand
from made_faces.face_model.head import Head
from made_faces.face_model.identity import Identity
from made_faces.renderer.camera import Camera
from made_faces.renderer.head_fit import fit_head
from made_faces.renderer.shading import diffuse_light, specular_light
from made_faces.scene.scene import Lighting, Scene
from made_faces.surface import Canvas, Floats, unit
from made_faces.texture import smooth_step

_BLEND = np.float32(0.0022)
"""Metres over which neighbouring bars blend."""
_SLACK = np.float32(0.004)
"""Metres by which fingers may penetrate the cheek."""
_NAIL = np.array([1.12, 0.98, 0.98], np.float32)
"""Colour of a nail relative to the skin's."""
_FLUSH = np.array([1.0, 0.86, 0.84], np.float32)
"""Colour of a fingertip relative to the skin's."""

_Window = tuple[slice, slice]
"""Rows and columns of the picture that contain the hand."""


@dataclass(frozen=True)
class _HeightField:
    """The hand as a height field over its window; all arrays [h, w]."""

    height: Floats
    """Metres towards the camera."""
    inside: Floats
    """Distance inside the outline in pixels, negative outside."""
    tip: Floats
    """Proximity to a fingertip, 0 to 1."""
    nail: Floats
    """1 on a nail, 0 elsewhere."""


def draw_hand(
    canvas: Canvas,
    head: Head,
    identity: Identity,
    scene: Scene,
    points: Floats,
    camera: Camera,
) -> None:
    """Draw the hand that the scene asks for; points [V, 3]: the posed head."""
    if not scene.hand:
        return
    bars = sample_hand(fit_head(head, points), scene.accessory_seed)
    first, last = (camera.project(ends) for ends in (bars.first, bars.last))
    margin = float(bars.radius.max()) * camera.pixels_per_metre * 1.3 + 2
    window = canvas.window(np.vstack([first, last]), margin)
    if canvas.alpha[window].size:
        field = _height_field(window, first, last, bars, camera)
        _draw_field(canvas, window, field, identity, scene.lighting, camera)


def _height_field(
    window: _Window, first: Floats, last: Floats, bars: Bars, camera: Camera
) -> _HeightField:
    """Merge the bars into a height field; first, last [B, 3]: their projected ends."""
    rows, columns = window
    column = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :] + np.float32(0.5)
    row = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] + np.float32(0.5)
    size = (len(row), column.shape[1])
    total = np.zeros(size, np.float32)
    inside = np.full(size, -1e3, np.float32)
    tip = np.zeros(size, np.float32)
    nail = np.zeros(size, np.float32)
    scale = np.float32(camera.focal)
    for number in range(len(bars.radius)):
        start, end = first[number], last[number]
        run = end[:2] - start[:2]
        length = max(float(run @ run), 1e-3)
        across, down = column - start[0], row - start[1]
        part = np.clip((across * run[0] + down * run[1]) / np.float32(length), 0, 1)
        away = np.square(across - part * run[0]) + np.square(down - part * run[1])
        inverse_depth = start[2] + part * (end[2] - start[2])
        thick, thin = bars.radius[number]
        radius = thick + part * (thin - thick)
        in_pixels = radius * scale * inverse_depth
        inside = np.maximum(inside, in_pixels - np.sqrt(away))
        bulge = radius * np.sqrt(np.clip(1 - away / np.square(in_pixels), 0, 1))
        towards = np.float32(camera.distance) - 1 / inverse_depth + bulge
        on = away < np.square(in_pixels)
        total += np.where(on, np.exp(np.clip(towards / _BLEND, -80, 80)), 0).astype(np.float32)
        if bars.tips[number]:
            near_tip = np.square(column - end[0]) + np.square(row - end[1])
            tip = np.maximum(tip, np.exp(-near_tip / np.square(1.2 * scale * inverse_depth * thin)))
            nail = np.maximum(nail, _nail(across, down, run, float(in_pixels.mean())))
    height = np.log(np.maximum(total, np.float32(1e-35))) * _BLEND
    return _HeightField(height, inside, tip, nail)


def _nail(across: Floats, down: Floats, run: Floats, radius: float) -> Floats:
    """1 on the nail of a finger that starts at (0, 0) and runs along `run`, in pixels."""
    length = max(float(np.hypot(*run)), 1e-3)
    along = (across * run[0] + down * run[1]) / length
    beside = (across * run[1] - down * run[0]) / length
    oval = np.square((along - length - 0.10 * radius) / (0.72 * radius))
    oval = oval + np.square(beside / (0.62 * radius))
    return np.asarray(1 - smooth_step(0.75, 1.1, oval), np.float32)


def _draw_field(
    canvas: Canvas,
    window: _Window,
    field: _HeightField,
    identity: Identity,
    lighting: Lighting,
    camera: Camera,
) -> None:
    inverse_depth = np.reciprocal(np.float32(camera.distance) - field.height)
    before = canvas.inverse_depth[window]
    shown = inverse_depth + _SLACK * np.square(inverse_depth) > before
    alpha = np.clip(field.inside + np.float32(0.5), 0, 1) * shown
    rows, columns = np.nonzero(alpha > 0)
    normal = _normals(field, camera)[rows, columns]
    light = diffuse_light(normal, lighting, wrap=0.3)
    nail = field.nail[rows, columns][:, None]
    flush = (field.tip[rows, columns] * np.float32(0.8))[:, None]
    skin = identity.skin * (1 + (_FLUSH - 1) * flush) * (1 + (_NAIL - 1) * nail)
    colour = skin * light * _creases(field, camera)[rows, columns][:, None]
    colour += specular_light(normal, lighting, 18) * (np.float32(0.03) + np.float32(0.10) * nail)
    _shadow_on_face(canvas, window, alpha, camera)
    at = rows + window[0].start, columns + window[1].start
    canvas.composite(*at, inverse_depth[rows, columns], colour, alpha[rows, columns])


def _normals(field: _HeightField, camera: Camera) -> Floats:
    """[h, w, 3] normals from the slope of the height field."""
    floor = float(field.height[field.inside > 0].min(initial=0.0))
    height = np.maximum(field.height, np.float32(floor)) * np.float32(camera.pixels_per_metre)
    smooth = cv2.GaussianBlur(height, (0, 0), 0.8)
    slope_right = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    slope_down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    return unit(np.dstack([-slope_right, -np.ones_like(smooth), slope_down]).astype(np.float32))


def _creases(field: _HeightField, camera: Camera) -> Floats:
    """[h, w] brightness, lower where fingers meet."""
    reach = max(1.0, 0.004 * camera.pixels_per_metre)
    covered = (field.inside > 0).astype(np.float32)
    height = np.where(covered > 0, field.height, 0).astype(np.float32)
    share = np.maximum(cv2.GaussianBlur(covered, (0, 0), reach), np.float32(1e-3))
    around = cv2.GaussianBlur(height, (0, 0), reach) / share
    return np.asarray(1 - np.clip((around - field.height) * 110, 0, 0.5), np.float32)


def _shadow_on_face(canvas: Canvas, window: _Window, alpha: Floats, camera: Camera) -> None:
    """Darken the face beside the hand."""
    reach = max(1.0, 0.007 * camera.pixels_per_metre)
    shadow = cv2.GaussianBlur(alpha.astype(np.float32), (0, 0), reach)
    canvas.colour[window] *= (1 - np.float32(0.45) * np.clip(shadow, 0, 1))[..., None]
