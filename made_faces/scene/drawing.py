"""What all backgrounds are drawn with: colours, shapes, cloudy noise and textures in perspective.

Places are parts of the picture, x from 0 at the left to 1 and y from 0 at the top to 1, so that one
drawing fits every size. Pictures are [H, W, 3] linear RGB, painted in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import SupportsFloat

import cv2
import numpy as np
from numpy.typing import NDArray

from made_faces.surface import Floats

Corners = Sequence[tuple[float, float]]
"""Points (x, y), clockwise from the top left where there are four of them."""
Range = tuple[float, float]

TEXTURE_SIZE = 128
"""Pixels a side of textures; backgrounds are out of focus anyway."""

_FRACTION_BITS = 4
"""OpenCV's shapes begin at sixteenths of a pixel."""


def sample_colour(
    rng: np.random.Generator, value: Range, saturation: Range, hue: Range = (0.0, 360.0)
) -> Floats:
    """[3] linear RGB of a colour with value, saturation and hue (degrees) from ranges in sRGB."""
    hsv = [rng.uniform(*hue) % 360, rng.uniform(*saturation), rng.uniform(*value)]
    rgb = cv2.cvtColor(np.array([[hsv]], dtype=np.float32), cv2.COLOR_HSV2RGB)
    return np.asarray(rgb[0, 0] ** np.float32(2.2), np.float32)


def blank(height: int, width: int, colour: Floats) -> Floats:
    """A picture of one colour."""
    return np.full((height, width, 3), colour, dtype=np.float32)


def gradient(height: int, width: int, first: Floats, last: Floats, across: bool = False) -> Floats:
    """A picture that turns from one colour to another, downwards or to the right."""
    part = np.linspace(0, 1, width if across else height, dtype=np.float32)[:, None]
    line = first * (1 - part) + last * part
    line = line[None] if across else line[:, None]
    return np.ascontiguousarray(np.broadcast_to(line, (height, width, 3)), dtype=np.float32)


def clouds(
    rng: np.random.Generator, height: int, width: int, cells: tuple[int, int], octaves: int
) -> Floats:
    """[height, width] of smooth noise, about -1 to 1: `cells` lumps down and across, then finer.

    The same draws make the same clouds at every size.
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
    """Fill an upright ellipse around (x, y)."""
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    edge = np.stack([x + half_width * np.cos(turn), y + half_height * np.sin(turn)], axis=1)
    fill_polygon(picture, [(across, down) for across, down in edge.tolist()], colour)


def glow(picture: Floats, x: float, y: float, reach: float, colour: Floats) -> None:
    """Add light around (x, y) that falls to a third at `reach`, a part of the height."""
    height, width = picture.shape[:2]
    down = (np.arange(height, dtype=np.float32) + 0.5) / height - y
    across = ((np.arange(width, dtype=np.float32) + 0.5) / width - x) * (width / height)
    spread = np.float32(reach)
    light = np.exp(-((down / spread) ** 2))[:, None] * np.exp(-((across / spread) ** 2))[None]
    picture += light[..., None] * colour


def mix(picture: Floats, colour: Floats, part: Floats) -> None:
    """Turn the picture towards a colour ([3], or a whole picture) where part [H, W] is 1."""
    picture += (colour - picture) * part[..., None]


def paste(picture: Floats, texture: Floats, corners: Corners) -> None:
    """Stretch a texture [h, w, 3] over four corners, in perspective."""
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
    """Coordinates of a texture [size, size] cut into cells.

    stagger: by which part of a cell each second row is shifted. -> row and column of the cell,
    place within it downwards and to the right from 0 to 1, each [size, size].
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
    """One number a cell of `grid`, drawn evenly from a range, at each of its places."""
    rows, columns = int(row.max()) + 1, int(column.max()) + 1
    table = rng.uniform(low, high, (rows, columns)).astype(np.float32)
    return table[row.astype(np.intp), column.astype(np.intp)]


def wall_colour(rng: np.random.Generator, value: Range, saturation: float) -> Floats:
    """Cream and beige above all; saturation: the greatest."""
    hue = (20, 60) if rng.random() < 0.6 else (0, 360)
    return sample_colour(rng, value, (0.0, saturation), hue)


def dimming(rng: np.random.Generator) -> np.float32:
    """How much of the light is left at the far side."""
    return np.float32(rng.uniform(0.25, 1.0))


def _pixels(picture: Floats | NDArray[np.uint8]) -> Floats:
    """[2] width and height."""
    return np.array([picture.shape[1], picture.shape[0]], dtype=np.float32)
