"""Drawing functions for backgrounds: colours, shapes, smooth noise and textures in perspective.

Positions are fractions of the picture: x from 0 at the left to 1, y from 0 at the top to 1, so that
a drawing fits every size. Pictures are [H, W, 3] linear RGB and changed in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import SupportsFloat

import cv2
import numpy as np
from numpy.typing import NDArray

from made_faces.surface import Floats

Corners = Sequence[tuple[float, float]]
"""Points (x, y); four of them are listed clockwise from the top left."""
Range = tuple[float, float]

TEXTURE_SIZE = 128
"""Side of a texture in pixels; backgrounds are out of focus anyway."""

_FRACTION_BITS = 4
"""OpenCV's shapes are positioned in sixteenths of a pixel."""


def sample_colour(
    rng: np.random.Generator, value: Range, saturation: Range, hue: Range = (0.0, 360.0)
) -> Floats:
    """Sample linear RGB [3] of a colour whose sRGB value, saturation and hue (degrees) are in
    ranges.
    """
    hsv = [rng.uniform(*hue) % 360, rng.uniform(*saturation), rng.uniform(*value)]
    rgb = cv2.cvtColor(np.array([[hsv]], dtype=np.float32), cv2.COLOR_HSV2RGB)
    return np.asarray(rgb[0, 0] ** np.float32(2.2), np.float32)


def blank(height: int, width: int, colour: Floats) -> Floats:
    """Return a picture of one colour."""
    return np.full((height, width, 3), colour, dtype=np.float32)


def gradient(height: int, width: int, first: Floats, last: Floats, across: bool = False) -> Floats:
    """Return a gradient between two colours, downwards or to the right."""
    part = np.linspace(0, 1, width if across else height, dtype=np.float32)[:, None]
    line = first * (1 - part) + last * part
    line = line[None] if across else line[:, None]
    return np.ascontiguousarray(np.broadcast_to(line, (height, width, 3)), dtype=np.float32)


def clouds(
    rng: np.random.Generator, height: int, width: int, cells: tuple[int, int], octaves: int
) -> Floats:
    """[height, width] smooth noise, about -1 to 1: `cells` periods down and across, then finer
    ones.

    The same random numbers give the same noise at every size.
    """
    total = np.zeros((height, width), dtype=np.float32)
    strength = 1.0
    for octave in range(octaves):
        grid = rng.random((cells[0] << octave, cells[1] << octave), dtype=np.float32) - 0.5
        total += strength * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        strength *= 0.6
    return total * np.float32(1.3)


def fill_polygon(picture: Floats | NDArray[np.uint8], corners: Corners, colour: Floats) -> None:
    """Fill a convex polygon."""
    scale = _pixels(picture)
    points = np.rint((np.array(corners) * scale - 0.5) * (1 << _FRACTION_BITS)).astype(np.int32)
    cv2.fillConvexPoly(picture, points, colour.tolist(), shift=_FRACTION_BITS)


def fill_box(
    picture: Floats, left: float, top: float, right: float, bottom: float, colour: Floats
) -> None:
    """Fill a rectangle."""
    fill_polygon(picture, ((left, top), (right, top), (right, bottom), (left, bottom)), colour)


def fill_ellipse(
    picture: Floats, x: float, y: float, half_width: float, half_height: float, colour: Floats
) -> None:
    """Fill an axis-parallel ellipse around (x, y)."""
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    edge = np.stack([x + half_width * np.cos(turn), y + half_height * np.sin(turn)], axis=1)
    fill_polygon(picture, [(across, down) for across, down in edge.tolist()], colour)


def glow(picture: Floats, x: float, y: float, reach: float, colour: Floats) -> None:
    """Add light around (x, y) that falls to 1 / e at the distance `reach`, a fraction of the
    height.
    """
    height, width = picture.shape[:2]
    down = (np.arange(height, dtype=np.float32) + 0.5) / height - y
    across = ((np.arange(width, dtype=np.float32) + 0.5) / width - x) * (width / height)
    spread = np.float32(reach)
    light = np.exp(-((down / spread) ** 2))[:, None] * np.exp(-((across / spread) ** 2))[None]
    picture += light[..., None] * colour


def mix(picture: Floats, colour: Floats, part: Floats) -> None:
    """Blend the picture with a colour ([3] or a picture) where part [H, W] is above 0."""
    picture += (colour - picture) * part[..., None]


def paste(picture: Floats, texture: Floats, corners: Corners) -> None:
    """Draw a texture [h, w, 3] into four corners, in perspective."""
    (rows, columns), (height, width) = texture.shape[:2], picture.shape[:2]
    edges = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32) - 0.5
    target = (np.array(corners) * _pixels(picture) - 0.5).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(edges, target)
    stretched = cv2.warpPerspective(
        texture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    inside = np.zeros((height, width, 1), dtype=np.uint8)
    fill_polygon(inside, corners, np.ones(1, np.float32))
    np.copyto(picture, stretched, where=inside > 0)


def grid(
    rows: SupportsFloat, columns: SupportsFloat, size: int, stagger: float = 0.0
) -> tuple[Floats, ...]:
    """Coordinates of a texture [size, size] divided into cells.

    stagger: shift of every second row as a fraction of a cell. Returns row and column of the cell,
    and the position inside it downwards and to the right from 0 to 1, each [size, size].
    """
    place = (np.arange(size, dtype=np.float32) + 0.5) / size
    down = np.broadcast_to((place * np.float32(float(rows)))[:, None], (size, size))
    row = np.floor(down)
    across = (place * np.float32(float(columns)))[None] + np.float32(stagger) * (row % 2)
    column = np.floor(across)
    return tuple(
        np.asarray(part, np.float32) for part in (row, column, down - row, across - column)
    )


def cell_values(
    rng: np.random.Generator, row: Floats, column: Floats, low: float, high: float
) -> Floats:
    """Sample a uniform random number for each cell of `grid` and return it at each texel."""
    rows, columns = int(row.max()) + 1, int(column.max()) + 1
    table = rng.uniform(low, high, (rows, columns)).astype(np.float32)
    return table[row.astype(np.intp), column.astype(np.intp)]


def wall_colour(rng: np.random.Generator, value: Range, saturation: float) -> Floats:
    """Sample the colour of a wall, mostly cream and beige; saturation: upper bound."""
    hue = (20, 60) if rng.random() < 0.6 else (0, 360)
    return sample_colour(rng, value, (0.0, saturation), hue)


def dimming(rng: np.random.Generator) -> np.float32:
    """Sample the fraction of the light that is left at the far side."""
    return np.float32(rng.uniform(0.25, 1.0))


def _pixels(picture: Floats | NDArray[np.uint8]) -> Floats:
    """Width and height [2] in pixels."""
    return np.array([picture.shape[1], picture.shape[0]], dtype=np.float32)
