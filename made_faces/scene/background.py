"""Backgrounds: choice of a kind, drawing at the required focus, and plain ones (studio, wall).

A further kind is one more function and one more entry of _PLACES.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from made_faces.scene.drawing import (
    TEXTURE_SIZE,
    blank,
    cell_values,
    clouds,
    dimming,
    glow,
    gradient,
    grid,
    mix,
    paste,
    sample_colour,
    wall_colour,
)
from made_faces.scene.indoors import draw_room, draw_window
from made_faces.scene.outdoors import draw_crowd, draw_nature, draw_night, draw_street
from made_faces.surface import Floats

_STREAM = 0xBAC
"""Separates these random numbers from others of the same seed."""
_DISC = 4.0
"""Pixels; a background is drawn so small that a point out of focus has at most this radius."""
_BRIGHTEST = 4.0
"""Upper bound of the light."""


@dataclass(frozen=True)
class _Place:
    """A kind of background."""

    draw: Callable[[np.random.Generator, int, int], Floats]
    """(rng, height, width) -> [height, width, 3] linear RGB, in focus."""
    share: float
    """Share of all backgrounds."""
    sharpest: float
    softest: float
    """Radius of a point out of focus as a fraction of the picture's height."""


def draw_background(width: int, height: int, seed: int) -> Floats:
    """Return [height, width, 3] linear RGB, 0 to 4, of the background of a seed.

    Another size shows the same background.
    """
    rng = np.random.default_rng([_STREAM, seed])
    place = _PLACES[rng.choice(len(_PLACES), p=[place.share for place in _PLACES])]
    sharpest, softest = math.log(place.sharpest), math.log(place.softest)
    radius = math.exp(rng.uniform(sharpest, softest)) * height
    # Blurred backgrounds need no fine drawing, which makes them fast.
    part = min(1.0, _DISC / radius)
    small_height, small_width = math.ceil(height * part), math.ceil(width * part)
    picture = np.clip(place.draw(rng, small_height, small_width), 0, None)
    kernel = _disc(radius * part)
    soft = cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REFLECT)
    if part < 1:
        soft = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(soft, 0, _BRIGHTEST), np.float32)


def _disc(radius: float) -> Floats:
    """Return the image [K, K] of a point through a round aperture, with sum 1; radius in pixels."""
    reach = math.ceil(radius)
    offset = np.arange(-reach, reach + 1, dtype=np.float32)
    distance = np.hypot(offset[:, None], offset[None, :])
    covered = np.clip(radius + 0.5 - distance, 0, 1)
    return np.asarray(covered / covered.sum(), np.float32)


def draw_studio(rng: np.random.Generator, height: int, width: int) -> Floats:
    """A backdrop of paper or muslin, lit in the middle and darker towards the edges."""
    muted = rng.random() < 0.7
    colour = sample_colour(rng, (0.05, 1.0), (0.0, 0.25) if muted else (0.3, 0.8))
    picture = gradient(height, width, colour, colour * dimming(rng), across=rng.random() < 0.3)
    if rng.random() < 0.4:
        muslin = clouds(rng, height, width, (3, 3), 3) * np.float32(rng.uniform(0.1, 0.4))
        picture *= np.maximum(1 + muslin, 0.2)[..., None]
    if rng.random() < 0.6:
        glow(picture, rng.uniform(0.2, 0.8), rng.uniform(0.1, 0.8), rng.uniform(0.3, 0.7), colour)
    return picture


def draw_wall(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Bricks, tiles, planks or plaster, seen frontally or at an angle."""
    texture = _WALLS[rng.integers(len(_WALLS))](rng)
    picture = blank(height, width, texture.mean(axis=(0, 1)))
    turn = rng.uniform(-0.8, 0.8)
    # The nearer side of a wall at an angle extends above and below the picture.
    left, right = 0.1 + max(turn, 0), 0.1 + max(-turn, 0)
    corners = ((-0.1, -left), (1.1, -right), (1.1, 1 + right), (-0.1, 1 + left))
    paste(picture, texture, corners)
    if rng.random() < 0.25:
        draw_window(picture, rng)
    part = np.linspace(1, dimming(rng), width, dtype=np.float32)
    picture *= (part if rng.random() < 0.5 else part[::-1])[None, :, None]
    return picture


def _bricks(rng: np.random.Generator) -> Floats:
    rows = int(rng.integers(10, 24))
    row, column, down, across = grid(rows, rows * rng.uniform(0.35, 0.5), TEXTURE_SIZE, stagger=0.5)
    colour = sample_colour(rng, (0.3, 0.9), (0.0, 0.6), (5, 35))
    texture = colour * cell_values(rng, row, column, 0.6, 1.2)[..., None]
    mortar = sample_colour(rng, (0.4, 0.9), (0.0, 0.15))
    mix(texture, mortar, ((down < 0.14) | (across < 0.07)).astype(np.float32))
    return texture


def _tiles(rng: np.random.Generator) -> Floats:
    number = int(rng.integers(4, 14))
    row, column, down, across = grid(number, number, TEXTURE_SIZE)
    colour = wall_colour(rng, (0.4, 1.0), 0.5)
    texture = colour * cell_values(rng, row, column, 0.85, 1.1)[..., None]
    joint = sample_colour(rng, (0.3, 0.9), (0.0, 0.1))
    mix(texture, joint, ((down < 0.06) | (across < 0.06)).astype(np.float32))
    return texture


def _planks(rng: np.random.Generator) -> Floats:
    row, column, _, across = grid(1, rng.integers(4, 16), TEXTURE_SIZE)
    colour = sample_colour(rng, (0.2, 0.95), (0.0, 0.6), (15, 45))
    grain = 1 + 0.12 * clouds(rng, TEXTURE_SIZE, TEXTURE_SIZE, (2, 24), 2)
    texture = colour * (cell_values(rng, row, column, 0.75, 1.1) * grain)[..., None]
    texture[across < 0.06] *= 0.4
    return np.ascontiguousarray(texture if rng.random() < 0.6 else texture.transpose(1, 0, 2))


def _plaster(rng: np.random.Generator) -> Floats:
    colour = wall_colour(rng, (0.2, 0.95), 0.4)
    rough = clouds(rng, TEXTURE_SIZE, TEXTURE_SIZE, (4, 4), 4) * np.float32(rng.uniform(0.1, 0.5))
    return np.asarray(colour * np.maximum(1 + rough, 0.1)[..., None], np.float32)


_WALLS: tuple[Callable[[np.random.Generator], Floats], ...] = (_bricks, _tiles, _planks, _plaster)
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
