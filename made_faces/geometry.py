"""Meshes: their triangles, and which way their surface faces."""

from __future__ import annotations

from functools import cache

import numpy as np

from made_faces.surface import Floats, Ints

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
