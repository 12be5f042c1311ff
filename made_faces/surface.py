"""Data types that the steps of the renderer exchange, and functions on meshes.

Coordinates are metres: x towards the head's own left, y backwards (the face looks along -y), z up.
Colours are linear RGB, 0 to 1, above 1 in strong light. Arrays are float32 unless stated otherwise.
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
    """The visible points of the head, one row for each covered pixel."""

    rows: Ints
    """[P] row of the pixel, from the top."""
    columns: Ints
    """[P] column of the pixel, from the left."""
    template: Floats
    """[P, 3] the same point on the neutral base head; materials are looked up there."""
    position: Floats
    """[P, 3] world coordinates."""
    normal: Floats
    """[P, 3] unit normal."""
    uv: Floats
    """[P, 2] texture coordinates, v upwards."""
    region: NDArray[np.uint8]
    """[P] a Region."""


@dataclass(frozen=True)
class Material:
    """Material of a surface, one row for each point of its Surface."""

    albedo: Floats
    """[P, 3] diffuse albedo, linear RGB."""
    roughness: Floats
    """[P] 0 mirror to 1 fully rough."""
    specular: Floats
    """[P] specular strength; 1 is the 4 % reflectance of a plain dielectric."""
    scatter: Floats
    """[P] subsurface scattering: 1 as in skin, 0 for none."""
    height: Floats
    """[P] bump map in metres, such as wrinkles; its slope bends the normal."""


@dataclass(frozen=True)
class Canvas:
    """The image being rendered, changed in place; all [H, W] at the renderer's resolution."""

    colour: Floats
    """[H, W, 3] premultiplied by alpha."""
    alpha: Floats
    """[H, W] 1 where something covers the background."""
    inverse_depth: Floats
    """[H, W] 1 / distance along the view axis, 0 for the background."""

    def composite(
        self,
        rows: NDArray[np.integer],
        columns: NDArray[np.integer],
        inverse_depth: Floats,
        colour: Floats,
        alpha: Floats,
    ) -> None:
        """Composite colour [P, 3] with alpha [P] over pixels; alpha above 0.5 also updates the
        depth.

        rows, columns, inverse_depth [P]: the pixels, each at most once, and their depth.
        """
        at = rows, columns
        through = 1 - alpha
        self.colour[at] = self.colour[at] * through[:, None] + colour * alpha[:, None]
        self.alpha[at] = self.alpha[at] * through + alpha
        nearest = np.maximum(self.inverse_depth[at], inverse_depth)
        self.inverse_depth[at] = np.where(alpha > 0.5, nearest, self.inverse_depth[at])

    def window(self, places: Floats, margin: float = 0.0) -> tuple[slice, slice]:
        """Return the rows and columns that enclose points [N, 2 or 3] (column, row, ...) plus a
        margin.

        margin: pixels. Both slices are empty where all points lie outside the image.
        """
        height, width = self.alpha.shape
        left, top = np.floor(places[:, :2].min(axis=0) - margin).astype(int).clip(0).tolist()
        right, bottom = np.ceil(places[:, :2].max(axis=0) + margin).astype(int).tolist()
        return slice(top, max(top, min(bottom, height))), slice(left, max(left, min(right, width)))


UP = np.array([0, 0, 1], np.float32)
TOWARDS_CAMERA = np.array([0, -1, 0], np.float32)


def vertex_normals(points: Floats, triangles: Ints) -> Floats:
    """[V, 3] unit normals: the area-weighted mean of the normals of the adjacent triangles.

    A vertex without triangles has the normal 0.
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
    """Scale vectors [..., 3] to length 1; zero vectors stay 0."""
    squares = np.einsum("...i,...i->...", vectors, vectors)
    scaled: Floats = vectors / np.maximum(np.sqrt(squares), np.float32(1e-12))[..., None]
    return scaled


def split_quads(quads: Ints) -> Ints:
    """Split quadrilaterals [F, 4] into triangles [2 F, 3] of the same orientation."""
    return quads[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)


@cache
def grid_triangles(columns: int, rows: int, downwards: bool = False) -> Ints:
    """Return two triangles for each cell of a grid whose vertices are numbered row by row.

    Counter-clockwise where rows grow upwards, or, with `downwards`, where they grow downwards.
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
