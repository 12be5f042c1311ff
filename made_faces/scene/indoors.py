"""Indoor backgrounds: rooms and their furniture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from made_faces.scene.drawing import (
    TEXTURE_SIZE,
    Corners,
    blank,
    clouds,
    dimming,
    fill_box,
    fill_ellipse,
    fill_polygon,
    glow,
    gradient,
    grid,
    mix,
    paste,
    sample_colour,
    wall_colour,
)
from made_faces.surface import Floats


def draw_room(rng: np.random.Generator, height: int, width: int) -> Floats:
    """A wall, sometimes a corner and a floor, and one to four objects."""
    wall = wall_colour(rng, (0.35, 0.95), 0.35)
    picture = gradient(height, width, wall, wall * dimming(rng), across=True)
    if rng.random() < 0.4:
        _side_wall(picture, rng, wall)
    if rng.random() < 0.35:
        _floor(picture, rng)
    for number in rng.choice(len(_THINGS), size=rng.integers(1, 5), replace=False):
        _THINGS[number](picture, rng)
    picture *= (1 + 0.12 * clouds(rng, height, width, (2, 2), 1))[..., None]
    return picture


def _tilted(x: float, top: float, half: float, bottom: float, tilt: float) -> Corners:
    """Return the corners of a flat object around x, seen slightly from the side."""
    return (
        (x - half, top - tilt),
        (x + half, top + tilt),
        (x + half, bottom - tilt),
        (x - half, bottom + tilt),
    )


def _side_wall(picture: Floats, rng: np.random.Generator, wall: Floats) -> None:
    corner, slope = rng.uniform(0.1, 0.4), rng.uniform(-0.02, 0.02)
    edge: Corners = ((-0.01, 0.0), (corner - slope, 0.0), (corner + slope, 1.0), (-0.01, 1.0))
    if rng.random() < 0.5:
        edge = [(1 - x, y) for x, y in reversed(edge)]
    fill_polygon(picture, edge, wall * np.float32(rng.uniform(0.4, 0.8)))


def _floor(picture: Floats, rng: np.random.Generator) -> None:
    top, slope = rng.uniform(0.7, 0.95), rng.uniform(-0.08, 0.08)
    skirting = sample_colour(rng, (0.5, 0.95), (0, 0.2))
    floor = sample_colour(rng, (0.2, 0.7), (0.1, 0.6), (15, 45))
    for shift, colour in ((-0.05, skirting), (0.0, floor)):
        left, right = top + slope + shift, top - slope + shift
        fill_polygon(picture, ((0, left), (1, right), (1, 1.01), (0, 1.01)), colour)


def draw_window(picture: Floats, rng: np.random.Generator) -> None:
    """A window: bright sky above green or gray, bars, a frame, sometimes blinds."""
    x, y, half = rng.uniform(0.0, 1.0), rng.uniform(-0.1, 0.25), rng.uniform(0.12, 0.35)
    bottom, bright = y + rng.uniform(0.4, 0.8), np.float32(rng.uniform(0.8, 2.5))
    sky = sample_colour(rng, (0.85, 1.0), (0.0, 0.3), (190, 230)) * bright
    ground = sample_colour(rng, (0.4, 0.8), (0.0, 0.5), (60, 200)) * bright
    view = gradient(TEXTURE_SIZE, TEXTURE_SIZE, sky, ground)
    _, _, down, across = grid(rng.integers(1, 4), rng.integers(1, 4), TEXTURE_SIZE)
    frame = sample_colour(rng, (0.15, 1.0), (0.0, 0.3))
    bars = (np.abs(across - 0.5) > 0.46) | (np.abs(down - 0.5) > 0.46)
    if rng.random() < 0.3:
        slats = grid(rng.integers(12, 24), 1, TEXTURE_SIZE)[2]
        mix(view, frame, (slats < 0.6).astype(np.float32) * 0.8)
    mix(view, frame, bars.astype(np.float32))
    tilt = rng.uniform(-0.08, 0.08)
    paste(picture, view, _tilted(x, y, half, bottom, tilt))
    glow(picture, x, (y + bottom) / 2, half * 1.5, sky * np.float32(0.12))
    if rng.random() < 0.4:
        _curtain(picture, rng, x + half * rng.choice([-1.0, 1.0]))


def _curtain(picture: Floats, rng: np.random.Generator, x: float | None = None) -> None:
    """A curtain with folds."""
    x, half = rng.uniform(0, 1) if x is None else x, rng.uniform(0.08, 0.3)
    colour = sample_colour(rng, (0.2, 0.95), (0.0, 0.8))
    place = np.linspace(0, 1, TEXTURE_SIZE, dtype=np.float32)
    waves = rng.uniform(3, 9), rng.uniform(7, 16)
    folds = 0.6 + 0.25 * np.sin(place * 6.28 * waves[0]) + 0.15 * np.sin(place * 6.28 * waves[1])
    cloth = np.broadcast_to((folds[:, None] * colour)[None], (4, TEXTURE_SIZE, 3))
    flare = rng.uniform(0, 0.06)
    corners = ((x - half, -0.1), (x + half, -0.1), (x + half + flare, 1.1), (x - half - flare, 1.1))
    paste(picture, np.ascontiguousarray(cloth, dtype=np.float32), corners)


def _door(picture: Floats, rng: np.random.Generator) -> None:
    """A door or an opening with a frame."""
    x, half, top = rng.uniform(0.0, 1.0), rng.uniform(0.12, 0.25), rng.uniform(-0.1, 0.25)
    frame = sample_colour(rng, (0.3, 1.0), (0.0, 0.5), (15, 45))
    leaf = frame * np.float32(rng.uniform(0.5, 0.9))
    if rng.random() < 0.35:
        leaf = sample_colour(rng, (0.05, 0.3), (0.0, 0.4))
    fill_box(picture, x - half - 0.03, top - 0.03, x + half + 0.03, 1.01, frame)
    fill_box(picture, x - half, top, x + half, 1.01, leaf)
    for panel_top in (top + 0.06, top + 0.42):
        panel = leaf * np.float32(0.8)
        fill_box(picture, x - half * 0.7, panel_top, x + half * 0.7, panel_top + 0.28, panel)


def _shelves(picture: Floats, rng: np.random.Generator) -> None:
    """Shelves full of books."""
    x, half, rows = rng.uniform(0.0, 1.0), rng.uniform(0.25, 0.6), int(rng.integers(3, 6))
    wood = sample_colour(rng, (0.1, 0.8), (0.1, 0.6), (15, 40))
    case = blank(rows * 24, 160, wood * np.float32(0.25))
    down = np.arange(24)[:, None]
    for row in range(rows):
        thickness = rng.integers(3, 9, 54)
        colours = rng.uniform(0.02, 0.5, (54, 1)) * rng.uniform(0.3, 1.0, (54, 3))
        tops = rng.integers(4, 12, 54)
        book = np.repeat(np.arange(54), thickness)[:160]
        # Books stand on their board; a dark line separates neighbours.
        first = np.diff(book, prepend=-1) > 0
        spines = (colours[book] * np.where(first, 0.4, 1.0)[:, None]).astype(np.float32)
        board = case[row * 24 : row * 24 + 24]
        mix(board, spines[None], (down >= tops[book][None]).astype(np.float32))
        board[21:] = wood
    tilt, top = rng.uniform(-0.15, 0.15), rng.uniform(-0.2, 0.1)
    bottom = top + rows * rng.uniform(0.2, 0.3)
    paste(picture, case, _tilted(x, top, half, bottom, tilt))


def _frames(picture: Floats, rng: np.random.Generator) -> None:
    """Framed abstract pictures."""
    for _ in range(rng.integers(1, 5)):
        x, y = rng.uniform(0.0, 1.0), rng.uniform(0.0, 0.6)
        half_width, half_height = rng.uniform(0.06, 0.18), rng.uniform(0.06, 0.2)
        frame = sample_colour(rng, (0.05, 0.9), (0.0, 0.6), (20, 50))
        first, last = (sample_colour(rng, (0.2, 0.95), (0.1, 0.7)) for _ in range(2))
        image = gradient(32, 32, first, last)
        mix(image, first * 0.3, np.clip(clouds(rng, 32, 32, (2, 3), 2) * 3, 0, 1))
        image[:3], image[-3:], image[:, :3], image[:, -3:] = frame, frame, frame, frame
        left, right, top, bottom = x - half_width, x + half_width, y - half_height, y + half_height
        paste(picture, image, ((left, top), (right, top), (right, bottom), (left, bottom)))


def _lamp(picture: Floats, rng: np.random.Generator) -> None:
    """A lampshade or ceiling lights, and their light on the wall."""
    light = sample_colour(rng, (0.9, 1.0), (0.1, 0.5), (25, 50)) * np.float32(rng.uniform(1.5, 4))
    if rng.random() < 0.5:
        x, y, half = rng.uniform(0, 1), rng.uniform(0.1, 0.6), rng.uniform(0.05, 0.12)
        shade = ((x - half * 0.6, y - half), (x + half * 0.6, y - half))
        fill_polygon(picture, (*shade, (x + half, y + half), (x - half, y + half)), light)
        glow(picture, x, y, half * 2.5, light * np.float32(0.15))
        return
    y, spacing, half = rng.uniform(0, 0.2), rng.uniform(0.15, 0.4), rng.uniform(0.01, 0.04)
    for x in np.arange(rng.uniform(0, spacing), 1, spacing).tolist():
        fill_ellipse(picture, x, y, half, half * 0.6, light * 2)
        glow(picture, x, y, half * 4, light * np.float32(0.1))


def _furniture(picture: Floats, rng: np.random.Generator) -> None:
    """Sofas, chairs, cupboards: boxes that start at the bottom."""
    for _ in range(rng.integers(1, 4)):
        x, half, top = rng.uniform(-0.1, 1.1), rng.uniform(0.08, 0.4), rng.uniform(0.45, 0.85)
        colour = sample_colour(rng, (0.05, 0.8), (0.0, 0.7))
        fill_box(picture, x - half, top, x + half, 1.01, colour)
        fill_ellipse(picture, x, top, half, rng.uniform(0.01, 0.06), colour * np.float32(1.15))


def _plant(picture: Floats, rng: np.random.Generator) -> None:
    """Leaves that start at one point."""
    x, y, reach = rng.uniform(0, 1), rng.uniform(0.5, 1.0), rng.uniform(0.15, 0.4)
    for angle in rng.uniform(-2.6, -0.5, rng.integers(8, 24)).tolist():
        green = sample_colour(rng, (0.15, 0.65), (0.4, 0.8), (75, 150))
        length = reach * rng.uniform(0.5, 1.0)
        tip = (x + length * np.cos(angle), y + length * np.sin(angle))
        side = (-0.12 * length * np.sin(angle), 0.12 * length * np.cos(angle))
        middle = ((x + tip[0]) / 2, (y + tip[1]) / 2)
        leaf = (
            (x, y),
            (middle[0] + side[0], middle[1] + side[1]),
            tip,
            (middle[0] - side[0], middle[1] - side[1]),
        )
        fill_polygon(picture, leaf, green)


_THINGS: tuple[Callable[[Floats, np.random.Generator], None], ...] = (
    draw_window,
    _shelves,
    _frames,
    _door,
    _curtain,
    _furniture,
    _lamp,
    _plant,
)
