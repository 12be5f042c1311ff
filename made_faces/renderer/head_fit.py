"""Transfer points around the base head to a posed head.

Directions from the centre of the skull are mapped to a disc (azimuthal equidistant projection,
straight up in its centre), so that skin, hair and hats are functions over one small picture.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import cv2
import numpy as np

from made_faces.face_model.head import Head
from made_faces.renderer.rasteriser import rasterise
from made_faces.surface import Floats, Ints, Region, unit
from made_faces.texture import look_up_texture

SKULL = np.array([0, -0.055, 0.755], np.float32)
"""Centre of the skull on the base head in metres."""
_SIZE = 128
"""Side of the disc's picture; a texel is about 4 mm on the skin."""
_REACH = np.float32(np.radians(165))
"""Angle from straight up to the rim of the disc; the chin is at 144 degrees."""
_HEAD_FLOOR = 0.63
"""Height on the base head above which all vertices rotate with the head."""


@dataclass(frozen=True)
class HeadDisc:
    """The skin of the base head as functions over the disc."""

    radius: Floats
    """[N, N] metres from the centre of the skull to the skin; for ears, to the skin behind them."""
    corners: Ints
    """[N, N, 3] vertices of the triangle in each direction."""
    weights: Floats
    """[N, N, 3] their barycentric weights."""
    anchors: Ints
    """[A] vertices that rotate with the head."""
    solver: Floats
    """[4, A] least-squares solver: times the posed anchors it gives the best affine map."""


@dataclass(frozen=True)
class HeadFit:
    """Transformation from the base head to a posed head."""

    disc: HeadDisc
    affine: Floats
    """[4, 3] affine map from the base head: three rows for the axes, one for the translation."""
    residual: Floats
    """[N, N, 3] displacement of the skin in metres that the affine map does not explain."""

    def to_posed(self, points: Floats) -> Floats:
        """Transform points [..., 3] around the base head to the posed head."""
        flat = points.reshape(-1, 3)
        placed = flat @ self.affine[:3] + self.affine[3]
        placed += look_up_disc(self.residual, flat - SKULL)
        moved: Floats = placed.reshape(points.shape)
        return moved

    def turn_directions(self, directions: Floats) -> Floats:
        """Rotate unit directions [..., 3] from the base head to the posed head."""
        return unit(directions @ self.affine[:3])

    def turn_back(self, direction: Floats) -> Floats:
        """Rotate a direction [3] from the world back to the base head."""
        back: Floats = np.linalg.solve(self.affine[:3].T, direction).astype(np.float32)
        return unit(back)


def fit_head(head: Head, points: Floats) -> HeadFit:
    """Fit the transformation from the base head to a posed head `points` [V, 3]."""
    disc = head_disc(head)
    affine = disc.solver @ points[disc.anchors]
    gap = points - (head.template @ affine[:3] + affine[3])
    residual = np.einsum("abci,abc->abi", gap[disc.corners], disc.weights)
    smooth = cv2.GaussianBlur(residual.astype(np.float32), (0, 0), 1.2)
    return HeadFit(disc, affine.astype(np.float32), np.asarray(smooth, np.float32))


def disc_coordinates(directions: Floats) -> tuple[Floats, Floats]:
    """Directions [P, 3] of any length -> column and row [P] in the disc's picture."""
    across = np.hypot(directions[:, 0], directions[:, 1])
    angle = np.arctan2(across, directions[:, 2])
    scale = angle / np.maximum(across, np.float32(1e-9)) * np.float32(_SIZE / 2) / _REACH
    middle = np.float32(_SIZE / 2 - 0.5)
    column, row = (middle + directions[:, axis] * scale for axis in (0, 1))
    return column.astype(np.float32), row.astype(np.float32)


def disc_directions(size: int = _SIZE) -> Floats:
    """[size, size, 3] unit directions of the texels of a disc's picture."""
    line = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / size) - 1
    x, y = np.meshgrid(line * _REACH, line * _REACH)
    angle = np.minimum(np.hypot(x, y), np.float32(np.pi))
    across = np.sin(angle) / np.maximum(np.hypot(x, y), np.float32(1e-9))
    return np.stack([x * across, y * across, np.cos(angle)], axis=2).astype(np.float32)


def look_up_disc(picture: Floats, directions: Floats) -> Floats:
    """Look up a disc's picture [N, N] or [N, N, C] in directions [P, 3] -> [P] or [P, C]."""
    return look_up_texture(picture, *disc_coordinates(directions), "edge")


_DISCS: dict[int, tuple[weakref.ref[Head], HeadDisc]] = {}


def head_disc(head: Head) -> HeadDisc:
    """Return the disc of a head, computed once for each head."""
    kept = _DISCS.get(id(head))
    if kept is not None and kept[0]() is head:
        return kept[1]
    disc = _make_disc(head)
    _DISCS.clear()
    _DISCS[id(head)] = (weakref.ref(head), disc)
    return disc


def _make_disc(head: Head) -> HeadDisc:
    skin = head.triangles[head.regions == Region.SKIN]
    directions = head.template - SKULL
    radius = np.linalg.norm(directions, axis=1).astype(np.float32)
    column, row = disc_coordinates(directions)
    # Keep the skin that is nearest to the centre, not the ear or the lip above it.
    flat = np.stack([column + 0.5, row + 0.5, 1 / radius], axis=1).astype(np.float32)
    whole = _without_rim_triangles(skin, flat)
    seen = rasterise(flat, whole, _SIZE, _SIZE, cull=False)
    corners = whole[np.maximum(seen.triangle, 0)]
    weights = np.dstack([seen.weights, 1 - seen.weights.sum(axis=2)])
    missing = seen.triangle < 0
    found = 1 / np.maximum(seen.inverse_depth, np.float32(1e-6))
    found[missing] = np.float32(0.1)
    weights[missing] = 0
    anchors = np.unique(skin[head.template[skin, 2].min(axis=1) > _HEAD_FLOOR])
    homogeneous = np.hstack([head.template[anchors], np.ones((len(anchors), 1))])
    solver = np.linalg.pinv(homogeneous.astype(np.float64))
    return HeadDisc(
        found.astype(np.float32),
        corners,
        weights.astype(np.float32),
        anchors.astype(np.int32),
        solver.astype(np.float32),
    )


def _without_rim_triangles(triangles: Ints, flat: Floats) -> Ints:
    """Drop triangles across the rim of the disc, which span a large part of the picture."""
    corners = flat[triangles, :2]
    span = corners.max(axis=1) - corners.min(axis=1)
    whole: Ints = triangles[span.max(axis=1) < _SIZE / 6]
    return whole
