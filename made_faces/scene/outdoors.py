"""Outdoor backgrounds: streets, nature, lights at night; and crowds."""

from __future__ import annotations

import numpy as np

from made_faces.scene.drawing import (
    TEXTURE_SIZE,
    blank,
    cell_values,
    clouds,
    fill_box,
    fill_ellipse,
    fill_polygon,
    gradient,
    grid,
    mix,
    paste,
    sample_colour,
)
from made_faces.surface import Floats

_GROUNDS = (((70, 130), (0.2, 0.65)), ((30, 50), (0.1, 0.4)), ((180, 230), (0.2, 0.6)))
"""Hue and saturation of grass, sand and water."""


def draw_street(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Houses on both sides of a road, or a facade across the picture, below a sky."""
    picture = _sky(rng, height, width)
    far_x, far_y = rng.uniform(0.15, 0.85), rng.uniform(0.35, 0.7)
    road = sample_colour(rng, (0.2, 0.6), (0.0, 0.15))
    fill_polygon(picture, ((-0.1, far_y), (1.1, far_y), (1.1, 1.01), (-0.1, 1.01)), road)
    if rng.random() < 0.35:
        bottom = rng.uniform(0.6, 1.2)
        roof, lean = rng.uniform(-0.9, 0.1), rng.uniform(-0.15, 0.15)
        front = ((-0.1, roof - lean), (1.1, roof + lean), (1.1, bottom), (-0.1, bottom))
        paste(picture, _facade(rng), front)
    else:
        for near_x in (-0.15, 1.15):
            end_x = far_x + (near_x - far_x) * rng.uniform(0.1, 0.3)
            part = (end_x - far_x) / (near_x - far_x)
            roof, foot = rng.uniform(-2.5, -0.6), rng.uniform(0.15, 0.6)
            corners = (
                (near_x, far_y + roof),
                (end_x, far_y + roof * part),
                (end_x, far_y + foot * part),
                (near_x, far_y + foot),
            )
            paste(picture, _facade(rng), corners)
    for _ in range(rng.integers(0, 5)):
        _car(picture, rng, far_y)
    if rng.random() < 0.4:
        x = rng.uniform(0, 1)
        fill_box(picture, x, -0.01, x + rng.uniform(0.01, 0.04), 1.01, road * np.float32(0.3))
    return picture


def draw_nature(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Sky, hills, water or grass, and leaves in front of them."""
    picture = _sky(rng, height, width)
    horizon = rng.uniform(0.2, 0.8)
    for depth in range(int(rng.integers(0, 4))):
        far = np.float32(1 - 0.25 * depth)
        hill = sample_colour(rng, (0.25, 0.6), (0.2, 0.6), (70, 220)) * far
        _ridge(picture, rng, horizon - 0.12 + 0.05 * depth, hill)
    _ground(picture, rng, horizon)
    if rng.random() < 0.65:
        _foliage(picture, rng)
    for _ in range(rng.integers(0, 5) if rng.random() < 0.5 else 0):
        x, half = rng.uniform(0, 1), rng.uniform(0.01, 0.05)
        bark = sample_colour(rng, (0.08, 0.4), (0.1, 0.5), (15, 45))
        lean = rng.uniform(-0.05, 0.05)
        trunk = ((x - half, -0.01), (x + half, -0.01), (x + half + lean, 1.01), (x - half, 1.01))
        fill_polygon(picture, trunk, bark)
    return picture


def draw_night(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Distant lamps, signals and windows: points that become discs out of focus."""
    dark = sample_colour(rng, (0.03, 0.3), (0.2, 0.8), (180, 400))
    picture = gradient(height, width, dark, dark * np.float32(rng.uniform(0.2, 2)))
    warm = rng.random() < 0.5
    rows = rng.uniform(0.1, 0.9, 3)
    for _ in range(rng.integers(15, 70)):
        hue = (15, 60) if warm and rng.random() < 0.7 else (0, 360)
        lamp = sample_colour(rng, (0.8, 1.0), (0.1, 0.65), hue)
        y = rng.choice(rows) + rng.normal(0, 0.05) if rng.random() < 0.5 else rng.uniform(0, 1)
        half = rng.uniform(0.003, 0.012)
        bright = np.float32(rng.uniform(3, 25))
        fill_ellipse(picture, rng.uniform(0, 1), y, half, half, lamp * bright)
    return picture


def draw_crowd(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Rows of people far out of focus, seen from behind: hair above a coat."""
    back = sample_colour(rng, (0.1, 0.8), (0.0, 0.4))
    picture = gradient(height, width, back, back * np.float32(rng.uniform(0.3, 0.9)))
    top, size = rng.uniform(0.0, 0.5), rng.uniform(0.035, 0.07)
    for depth in np.linspace(0, 1, int(rng.integers(2, 6))).tolist():
        half = size * (1 + depth)
        for x in np.arange(rng.uniform(-0.1, 0.0), 1.1, half * 3).tolist():
            place = x + rng.normal(0, half * 0.4)
            y = top + depth * (0.9 - top) + rng.normal(0, half * 0.4)
            coat = sample_colour(rng, (0.05, 0.9), (0.0, 0.5))
            hair = sample_colour(rng, (0.05, 0.5), (0.1, 0.6), (10, 40))
            fill_ellipse(picture, place, y + half * 3, half * 1.7, half * 2, coat)
            fill_ellipse(picture, place, y, half * 0.75, half, hair)
    return picture


def _sky(rng: np.random.Generator, height: int, width: int) -> Floats:
    """A clear, cloudy or white sky, or a sunset."""
    kind = rng.integers(4)
    bright = np.float32(rng.uniform(0.6, 1.6))
    if kind == 0:
        low, high = (sample_colour(rng, (0.7, 1.0), (0.0, 0.1)) for _ in range(2))
    elif kind == 1:
        low = sample_colour(rng, (0.7, 1.0), (0.3, 0.8), (5, 50))
        high = sample_colour(rng, (0.3, 0.8), (0.1, 0.6), (200, 290))
    else:
        low = sample_colour(rng, (0.85, 1.0), (0.02, 0.25), (190, 230))
        high = sample_colour(rng, (0.5, 0.95), (0.3, 0.7), (200, 225))
    picture = gradient(height, width, high * bright, low * bright)
    if kind == 3:
        white = blank(1, 1, np.full(3, bright, np.float32))
        part = np.clip(clouds(rng, height, width, (5, 3), 4) + rng.uniform(-0.2, 0.3), 0, 0.8)
        mix(picture, white, part.astype(np.float32))
    return picture


def _facade(rng: np.random.Generator) -> Floats:
    """Rows of windows above a row of shops: [TEXTURE_SIZE, TEXTURE_SIZE, 3]."""
    row, column, down, across = grid(rng.integers(4, 12), rng.integers(4, 14), TEXTURE_SIZE)
    wall = sample_colour(rng, (0.25, 0.95), (0.0, 0.5), (0, 60))
    texture = blank(TEXTURE_SIZE, TEXTURE_SIZE, wall)
    high, wide = rng.uniform(0.2, 0.45), rng.uniform(0.2, 0.48)
    window = (np.abs(down - 0.5) < high) & (np.abs(across - 0.5) < wide)
    # Most panes are dark, some reflect the sky.
    glass = cell_values(rng, row, column, 0.15, 1.0) ** 2
    tint = sample_colour(rng, (0.5, 0.9), (0.0, 0.4), (190, 230))
    mix(texture, glass[..., None] * tint, window.astype(np.float32))
    texture[down < 0.06] *= 0.7
    shops = row == row.max()
    bright = cell_values(rng, row, column, 0.05, 0.9)[..., None]
    sign = bright * sample_colour(rng, (0.5, 1.0), (0.2, 0.8))
    mix(texture, sign, (shops & (down < 0.85)).astype(np.float32) * 0.8)
    return texture


def _car(picture: Floats, rng: np.random.Generator, horizon: float) -> None:
    """A car: body, windows and lamps."""
    near = rng.uniform(0.03, 0.3)
    x, y, half = rng.uniform(0, 1), horizon + near, near * rng.uniform(0.6, 1.2)
    body = sample_colour(rng, (0.05, 0.95), (0.0, 0.8))
    fill_ellipse(picture, x, y - half * 0.45, half * 0.7, half * 0.4, body * np.float32(0.15))
    fill_box(picture, x - half, y - half * 0.45, x + half, y, body)
    fill_box(picture, x - half, y, x + half, y + half * 0.1, body * np.float32(0.1))
    lamp = sample_colour(rng, (0.9, 1.0), (0.0, 0.9), (0, 50)) * np.float32(rng.uniform(0.5, 3))
    for side in (-0.85, 0.85):
        fill_ellipse(picture, x + side * half, y - half * 0.25, half * 0.08, half * 0.08, lamp)


def _ridge(picture: Floats, rng: np.random.Generator, level: float, colour: Floats) -> None:
    """Hills or tree tops up to about `level`."""
    height, width = picture.shape[:2]
    cells = int(rng.integers(2, 7))
    edge = level + clouds(rng, 1, width, (1, cells), 4)[0] * np.float32(rng.uniform(0.05, 0.2))
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    mix(picture, colour, np.clip((down - edge[None]) * height, 0, 1))


def _ground(picture: Floats, rng: np.random.Generator, horizon: float) -> None:
    """Grass, sand or water below the horizon, finer and paler in the distance."""
    height, width = picture.shape[:2]
    first = round(horizon * height)
    rows = height - first
    if rows < 2:
        return
    hue, saturation = _GROUNDS[rng.integers(len(_GROUNDS))]
    near = sample_colour(rng, (0.25, 0.8), saturation, hue)
    land = gradient(rows, width, near * np.float32(1.5), near)
    blades = clouds(rng, rows, width, (12, 40), 2)
    contrast = np.linspace(0.1, 0.7, rows, dtype=np.float32)[:, None]
    land *= np.maximum(1 + blades * contrast, 0.1)[..., None]
    picture[first:] = land


def _foliage(picture: Floats, rng: np.random.Generator) -> None:
    """Leaves in light and shade, with gaps."""
    height, width = picture.shape[:2]
    lumps = clouds(rng, height, width, (3, 4), 2)
    leaves = clouds(rng, height, width, (22, 26), 2)
    # Trees grow from above, hedges from below; some fill the picture.
    slope = np.linspace(-0.6, 0.6, height, dtype=np.float32)[:, None]
    slope = slope * np.float32(rng.choice([-1.0, 0.0, 1.0]))
    part = np.clip((lumps + leaves * 0.8 + slope + rng.uniform(-0.2, 0.7)) * 4, 0, 1)
    hue = (15, 60) if rng.random() < 0.15 else (65, 125)
    green = sample_colour(rng, (0.25, 0.65), (0.2, 0.65), hue)
    shade = np.maximum(0.7 + 0.8 * leaves + 0.5 * lumps, 0.08)[..., None]
    mix(picture, green * shade, part.astype(np.float32))
    if rng.random() < 0.35:
        # The sun between the leaves, or its reflections.
        for x, y in rng.uniform(0, 1, (int(rng.integers(4, 20)), 2)).tolist():
            half = rng.uniform(0.003, 0.008)
            sun = np.full(3, rng.uniform(2, 12), dtype=np.float32)
            fill_ellipse(picture, x, y, half, half, sun)
