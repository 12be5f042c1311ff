"""Things laid over a finished head: which of their points the camera sees, and painting them in."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from voc_builder.synthetic.renderer.camera import Camera
from voc_builder.synthetic.renderer.geometry import unit
from voc_builder.synthetic.renderer.rasteriser import rasterise
from voc_builder.synthetic.renderer.surface import Canvas, Floats, Ints
from voc_builder.synthetic.scene.scene import Lighting

_ALBEDO_SHARE = np.float32(0.62)
"""What a white surface sends to the camera of the light that falls on it."""
_TOWARDS_CAMERA = np.array([0, -1, 0], np.float32)

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
    """Paint colour [P, 3] over the canvas with alpha [P]; what covers half a pixel hides it."""
    at = seen.rows, seen.columns
    through = 1 - alpha
    canvas.colour[at] = canvas.colour[at] * through[:, None] + colour * alpha[:, None]
    canvas.alpha[at] = canvas.alpha[at] * through + alpha
    nearest = np.maximum(canvas.nearness[at], seen.nearness)
    canvas.nearness[at] = np.where(alpha > 0.5, nearest, canvas.nearness[at])


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


def light_matte(normal: Floats, lighting: Lighting, wrap: float = 0.15) -> Floats:
    """[P, 3] light that a white matte surface sends out; `wrap` lets it reach round the edge."""
    softness = np.float32(wrap)
    light = lighting.ambient * (np.float32(0.62) + np.float32(0.38) * normal[:, 2:])
    for direction, colour in (
        (lighting.key, lighting.key_colour),
        (lighting.fill, lighting.fill_colour),
    ):
        facing = np.clip((normal @ direction + softness) / (1 + softness), 0, 1)
        light = light + facing[:, None] * colour
    rim = np.clip(normal @ lighting.rim, 0, 1) * np.float32(lighting.rim_strength)
    lit: Floats = ((light + rim[:, None]) * _ALBEDO_SHARE).astype(np.float32)
    return lit


def light_shine(normal: Floats, lighting: Lighting, sharpness: float) -> Floats:
    """[P, 3] the key light's reflection; `sharpness` as Blinn and Phong's exponent."""
    half = unit(lighting.key + _TOWARDS_CAMERA)
    shine = np.power(np.clip(normal @ half, 0, 1), np.float32(sharpness))
    glint: Floats = (shine[:, None] * lighting.key_colour).astype(np.float32)
    return glint
