"""What the rooms of the renderer hand each other: mesh parts, surface points, paint and canvas.

Space: metres, x towards the head's own left, y backwards (the face looks along -y), z up. Colours
are linear RGB, 0 to 1 and more where light is strong. All arrays are float32 where not said.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


class Region(IntEnum):
    """Which part of the head a triangle belongs to."""

    SKIN = 0
    LEFT_EYE = 1
    RIGHT_EYE = 2
    UPPER_TEETH = 3
    LOWER_TEETH = 4
    MOUTH_CAVITY = 5
    """The skin inside the lips."""
    EYE_SOCKET = 6
    """The skin inside the lids, around the eyeball."""
    TONGUE = 7


@dataclass(frozen=True)
class Surface:
    """The points of the head that the camera sees, one row a covered pixel."""

    rows: Ints
    """[P] row of the pixel, from the top."""
    columns: Ints
    """[P] column of the pixel, from the left."""
    template: Floats
    """[P, 3] the same point on the neutral base head: where paint is looked up."""
    position: Floats
    """[P, 3] where it lies in the world."""
    normal: Floats
    """[P, 3] unit normal there."""
    uv: Floats
    """[P, 2] texture coordinates, v upwards."""
    region: NDArray[np.uint8]
    """[P] a Region each."""


@dataclass(frozen=True)
class Material:
    """What a surface is made of, one row a point of its Surface."""

    albedo: Floats
    """[P, 3] part of the light that is scattered back."""
    roughness: Floats
    """[P] 0 a mirror to 1 chalk."""
    specular: Floats
    """[P] strength of the mirror part; 1 is the 4 % of a plain dielectric."""
    scatter: Floats
    """[P] 1 where light seeps through as in skin, 0 where it does not."""
    height: Floats
    """[P] fine relief in metres, such as wrinkles, which bends the normal."""


@dataclass(frozen=True)
class Canvas:
    """A picture under way, painted in place; all [H, W] at the renderer's own resolution."""

    colour: Floats
    """[H, W, 3] times alpha: soft edges carry no colour of what was below."""
    alpha: Floats
    """[H, W] 1 where something covers the background."""
    inverse_depth: Floats
    """[H, W] 1 / distance along the view, 0 where there is nothing."""

    def composite(
        self,
        rows: NDArray[np.integer],
        columns: NDArray[np.integer],
        inverse_depth: Floats,
        colour: Floats,
        alpha: Floats,
    ) -> None:
        """Paint colour [P, 3] with alpha [P] over pixels; what covers half a pixel hides it.

        rows, columns, nearness [P]: the pixels, none of them twice, and how near the paint is.
        """
        at = rows, columns
        through = 1 - alpha
        self.colour[at] = self.colour[at] * through[:, None] + colour * alpha[:, None]
        self.alpha[at] = self.alpha[at] * through + alpha
        nearest = np.maximum(self.inverse_depth[at], inverse_depth)
        self.inverse_depth[at] = np.where(alpha > 0.5, nearest, self.inverse_depth[at])

    def window(self, places: Floats, margin: float = 0.0) -> tuple[slice, slice]:
        """Rows and columns that hold places [N, 2 or 3] (column, row, ...) and a margin in pixels.

        Empty where all of them lie outside the picture.
        """
        height, width = self.alpha.shape
        left, top = np.floor(places[:, :2].min(axis=0) - margin).astype(int).clip(0).tolist()
        right, bottom = np.ceil(places[:, :2].max(axis=0) + margin).astype(int).tolist()
        return slice(top, max(top, min(bottom, height))), slice(left, max(left, min(right, width)))


UP = np.array([0, 0, 1], np.float32)
TOWARDS_CAMERA = np.array([0, -1, 0], np.float32)


def vertex_normals(points: Floats, triangles: Ints) -> Floats:
    """[V, 3] unit normals, the mean of the triangles around weighted by their area.

    A vertex of no triangle has a normal of 0.
    """
    first, second, third = (points[triangles[:, corner]] for corner in range(3))
    faces = np.cross(second - first, third - first)
    count = len(points)
    normals = np.empty((count, 3), np.float32)
    owners = triangles.ravel()
    for axis in range(3):
        shares = np.repeat(faces[:, axis], 3)
        normals[:, axis] = np.bincount(owners, shares, count)
    return unit(normals)


def unit(vectors: Floats) -> Floats:
    """The vectors [..., 3] scaled to length 1; those of no length stay 0."""
    squares = np.einsum("...i,...i->...", vectors, vectors)
    scaled: Floats = vectors / np.maximum(np.sqrt(squares), np.float32(1e-12))[..., None]
    return scaled


def split_quads(quads: Ints) -> Ints:
    """Quadrilaterals [F, 4] -> triangles [2 F, 3] that turn the same way, two by two."""
    return quads[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)


@cache
def grid_triangles(columns: int, rows: int, downwards: bool = False) -> Ints:
    """Two triangles a cell of a grid of vertices, which are numbered row by row.

    Counter-clockwise where rows grow upwards, or, if `downwards`, where they grow downwards.
    """
    row, column = np.mgrid[0 : rows - 1, 0 : columns - 1]
    first = (row * columns + column).ravel()
    beyond = first + columns
    turn = (
        (first, beyond, beyond + 1, first + 1)
        if downwards
        else (first, first + 1, beyond + 1, beyond)
    )
    return split_quads(np.stack(turn, axis=1).astype(np.int32))
