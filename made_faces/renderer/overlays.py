"""Things laid over a finished head: which of their points the camera sees, and painting them in."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from made_faces.geometry import unit
from made_faces.renderer.camera import Camera
from made_faces.renderer.rasteriser import rasterise
from made_faces.scene.scene import Lighting
from made_faces.surface import Canvas, Floats, Ints

_SHADOW = np.float32(0.42)
"""Part of the light that a thing laid on the skin keeps from the skin beside it."""


@dataclass(frozen=True)
class SeenPoints:
    """The points of a mesh that nothing on the canvas hides, one row a pixel."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    nearness: Floats
    """[P]"""
    position: Floats
    """[P, 3] in the world."""
    normal: Floats
    """[P, 3] unit normals, turned towards the camera."""
    values: Floats
    """[P, C] whatever the vertices carry."""


def see(
    canvas: Canvas,
    camera: Camera,
    points: Floats,
    normals: Floats,
    values: Floats,
    triangles: Ints,
    cull: bool = True,
    slack: float = 0.0,
) -> SeenPoints:
    """Find where the camera sees a mesh before what the canvas holds.

    points, normals [V, 3] and values [V, C] of the vertices; slack: metres by which the mesh may
    lie behind the canvas and still be seen.
    """
    height, width = canvas.alpha.shape
    found = rasterise(camera.project(points), triangles, width, height, cull)
    # 1 / (1 / n - slack) is about n + slack * n * n.
    reach = found.nearness + np.float32(slack) * np.square(found.nearness)
    rows, columns = np.nonzero((found.triangle >= 0) & (reach > canvas.nearness))
    corners = triangles[found.triangle[rows, columns]]
    first, second = found.weights[rows, columns].T
    weights = np.stack([first, second, 1 - first - second], axis=1)
    carried = np.hstack([points, normals, values]).astype(np.float32)
    at = np.einsum("pcv,pc->pv", carried[corners], weights)
    normal = unit(at[:, 3:6])
    normal[normal[:, 1] > 0.35] *= np.float32(-1)
    return SeenPoints(rows, columns, found.nearness[rows, columns], at[:, :3], normal, at[:, 6:])


def cover_of(canvas: Canvas, seen: SeenPoints, alpha: Floats) -> Floats:
    """[H, W] the alpha of seen points, 0 elsewhere."""
    cover = np.zeros_like(canvas.alpha)
    cover[seen.rows, seen.columns] = alpha
    return cover


def lay(canvas: Canvas, seen: SeenPoints, colour: Floats, alpha: Floats) -> None:
    """Paint seen points in colour [P, 3] with alpha [P] over the canvas."""
    canvas.lay(seen.rows, seen.columns, seen.nearness, colour, alpha)


def cast_soft_shadow(
    canvas: Canvas, cover: Floats, camera: Camera, lighting: Lighting, fall: float
) -> None:
    """Darken what lies just beside a thing, away from the key light, before it is laid.

    cover [H, W]: the alpha of the thing; fall: metres by which its shadow is thrown.
    """
    length = np.float32(fall * camera.pixels_per_metre)
    height, width = cover.shape
    shift = np.eye(2, 3, dtype=np.float32)
    # The light comes from above and the side; rows grow downwards.
    shift[:, 2] = -lighting.key[0] * length, lighting.key[2] * length
    thrown = cv2.warpAffine(cover, shift, (width, height))
    soft = cv2.GaussianBlur(thrown, (0, 0), max(0.7 * float(length), 0.5))
    canvas.colour[:] *= (1 - _SHADOW * soft * (1 - cover))[..., None]
