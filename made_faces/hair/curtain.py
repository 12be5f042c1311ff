"""The bulk of hair that hangs: broad dark bands along some of the guide hairs."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from made_faces.face_model.identity import Identity
from made_faces.geometry import unit
from made_faces.hair.guides import Guides
from made_faces.hair.light import light_hair
from made_faces.renderer.camera import Camera
from made_faces.renderer.head_fit import SKULL, HeadFit
from made_faces.renderer.strokes import Strokes, project_paths
from made_faces.scene.scene import Lighting
from made_faces.surface import Canvas, Floats

_EVERY_POINT = 2
"""A band needs fewer points than a strand."""
_BREADTH = 0.010
"""Metres where a band begins to hang; it tapers to the tip."""
_INNER = 0.72
"""Bands follow the guides of the inner layers only; strands make the outside."""
_SUNK = np.float32(0.006)
"""Metres by which bands lie deeper in the hair than their guides."""
_HANGS_BELOW = 0.755
"""Height in metres below which hair no longer lies on the scalp."""
_REACH = 0.68
"""Part of the hair that bands follow; the tips are left to the strands."""
_OPENNESS = np.float32(0.5)
"""How much light reaches the bands."""


def light_curtain(
    canvas: Canvas,
    guides: Guides,
    fit: HeadFit,
    identity: Identity,
    camera: Camera,
    lighting: Lighting,
) -> Strokes:
    """The bands as they fall on the picture where nothing stands before them."""
    inner = guides.layer < _INNER
    paths = guides.points[inner, ::_EVERY_POINT]
    paths = paths - unit(paths - SKULL) * _SUNK
    last = guides.ends[inner, None]
    count = paths.shape[1]
    reached = np.linspace(0, 1, count)[1:] <= _REACH * last
    low = paths[:, 1:, 2] < _HANGS_BELOW
    placed = fit.place(paths)
    ends = project_paths(camera, placed)[low & reached]
    along = unit(np.diff(placed, axis=1))[low & reached]
    outward = fit.turn(unit(paths[:, 1:] - SKULL))[low & reached]
    part = np.broadcast_to(np.linspace(0, 1, count - 1), low.shape)[low & reached]
    part = part / np.broadcast_to(last, low.shape)[low & reached]
    breadth = _BREADTH * camera.pixels_per_metre * (1 - 0.9 * np.square(np.minimum(part, 1)))
    numbers = _draw_bands(ends, breadth, canvas.alpha.shape)
    pixels = np.flatnonzero(numbers)
    band = numbers.reshape(-1)[pixels].astype(np.int64) - 1
    nearness = ends[:, :, 2].mean(axis=1)[band]
    shown = nearness > canvas.nearness.reshape(-1)[pixels]
    tint = np.broadcast_to(identity.hair, along.shape)
    colour = light_hair(along, outward, np.full(len(along), _OPENNESS), tint, lighting)
    soft = cv2.blur((numbers > 0).astype(np.float32), (3, 3)).reshape(-1)
    pixels, band = pixels[shown], band[shown]
    return Strokes(pixels, colour[band], soft[pixels], nearness[shown])


def _draw_bands(ends: Floats, breadth: NDArray[np.floating], size: tuple[int, ...]) -> Floats:
    """[H, W] 1 + the number of the nearest band [M, 2, 3] at each pixel, 0 for none."""
    numbers = np.zeros(size, np.float32)
    limit = 4.0 * max(size)
    places = np.clip(np.nan_to_num(ends[:, :, :2]), -limit, limit)
    corners = np.rint(places * 16).astype(np.int32).tolist()
    thickness = np.maximum(np.rint(breadth), 1).astype(int).tolist()
    for number in np.argsort(ends[:, :, 2].sum(axis=1), kind="stable").tolist():
        first, last = corners[number]
        cv2.line(numbers, first, last, number + 1, thickness[number], cv2.LINE_8, 4)
    return numbers
