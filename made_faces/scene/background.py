"""What is behind a made face: a place drawn at the focus of the photograph."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from made_faces.scene.indoors import draw_room, draw_studio, draw_wall
from made_faces.scene.outdoors import (
    draw_crowd,
    draw_nature,
    draw_night,
    draw_street,
)
from made_faces.surface import Floats

_STREAM = 0xBAC
"""Sets these random numbers apart from others of the same seed."""
_DISC = 4.0
"""Pixels: a picture is drawn so small that its points of light need no larger radius."""
_BRIGHTEST = 4.0
"""Light above this shows nothing more on film."""


@dataclass(frozen=True)
class _Place:
    """A kind of background."""

    draw: Callable[[np.random.Generator, int, int], Floats]
    """(rng, height, width) -> [height, width, 3] linear RGB, all sharp."""
    share: float
    """Part of all backgrounds."""
    sharpest: float
    softest: float
    """Radius of a point out of focus, as parts of the picture's height."""


_PLACES = (
    _Place(draw_studio, 0.18, 0.004, 0.05),
    _Place(draw_room, 0.28, 0.003, 0.05),
    _Place(draw_wall, 0.12, 0.002, 0.04),
    _Place(draw_street, 0.14, 0.006, 0.05),
    _Place(draw_nature, 0.16, 0.008, 0.06),
    _Place(draw_night, 0.06, 0.012, 0.06),
    # Softer than all others: people in focus would be faces without a label.
    _Place(draw_crowd, 0.06, 0.026, 0.06),
)


def draw_background(width: int, height: int, seed: int) -> Floats:
    """[height, width, 3] linear RGB, 0 to 4, of a place that `seed` alone decides.

    Another size shows the same place.
    """
    rng = np.random.default_rng([_STREAM, seed])
    place = _PLACES[rng.choice(len(_PLACES), p=[place.share for place in _PLACES])]
    sharpest, softest = math.log(place.sharpest), math.log(place.softest)
    radius = math.exp(rng.uniform(sharpest, softest)) * height
    # What the lens blurs need not be drawn finely: that makes soft pictures the quick ones.
    part = min(1.0, _DISC / radius)
    small_height, small_width = math.ceil(height * part), math.ceil(width * part)
    picture = np.clip(place.draw(rng, small_height, small_width), 0, None)
    kernel = _disc(radius * part)
    soft = cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REFLECT)
    if part < 1:
        soft = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(soft, 0, _BRIGHTEST), np.float32)


def _disc(radius: float) -> Floats:
    """A round aperture's image of a point, [K, K] of sum 1; the radius in pixels."""
    reach = math.ceil(radius)
    offset = np.arange(-reach, reach + 1, dtype=np.float32)
    distance = np.hypot(offset[:, None], offset[None, :])
    covered = np.clip(radius + 0.5 - distance, 0, 1)
    return np.asarray(covered / covered.sum(), np.float32)
