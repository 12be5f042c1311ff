"""Canvases for tests: empty ones, and a uniformly gray head without hair and accessories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from made_faces.face_model.head import Head
from made_faces.renderer.camera import Camera, portrait_camera, pose_head
from made_faces.renderer.rasteriser import rasterise
from made_faces.scene.scene import CameraEffects, Lighting, Scene
from made_faces.surface import Canvas, Floats

GRAY = 0.3


@dataclass(frozen=True)
class BareHead:
    canvas: Canvas
    points: Floats
    camera: Camera
    scene: Scene

    def pixel(self, vertex: int) -> tuple[int, int]:
        """Return row and column at which a vertex appears."""
        column, row, _ = self.camera.project(self.points[vertex : vertex + 1])[0]
        return int(row), int(column)

    def copy(self) -> Canvas:
        canvas = self.canvas
        return Canvas(canvas.colour.copy(), canvas.alpha.copy(), canvas.inverse_depth.copy())

    def covered(self) -> Canvas:
        """Return a copy with something directly in front of the camera."""
        canvas = self.copy()
        canvas.inverse_depth[:] = 1e3
        canvas.alpha[:] = 1
        return canvas


def scene(**settings: Any) -> Scene:
    """Return a frontal portrait of 112 pixels, with some settings replaced."""
    towards = np.array([0.4, -0.7, 0.6], np.float32)
    lighting = Lighting(
        key=towards / np.linalg.norm(towards),
        key_colour=np.array([1.9, 1.8, 1.7], np.float32),
        softness=2.0,
        fill=np.array([-0.6, -0.8, 0.0], np.float32),
        fill_colour=np.array([0.3, 0.3, 0.4], np.float32),
        rim=np.array([0.0, 0.8, 0.6], np.float32),
        rim_strength=0.3,
        ambient=np.array([0.6, 0.6, 0.6], np.float32),
    )
    effects = CameraEffects(0.0, 1.0, False, 0.4, 0.0, 0.0, 0.0, 1.0, 95)
    plain = {"width": 112, "height": 112, "yaw": 0.0, "pitch": 0.0, "roll": 0.0}
    plain |= {"distance": 1.2, "face_fraction": 0.38, "offset": (0.0, 0.0)}
    plain |= {"lighting": lighting, "effects": effects, "background_seed": 0}
    return Scene(**{**plain, **settings})


def bare_head(head: Head, **settings: Any) -> BareHead:
    """Render the base head as the scene's settings say."""
    seen_in = scene(**settings)
    camera = portrait_camera(head, head.template, seen_in)
    points = pose_head(head.template, head.template, seen_in.yaw, seen_in.pitch, seen_in.roll)
    found = rasterise(
        camera.project(points), head.triangles, camera.width, camera.height, cull=True
    )
    covered = (found.triangle >= 0).astype(np.float32)
    colour = np.repeat((covered * np.float32(GRAY))[..., None], 3, axis=2)
    return BareHead(Canvas(colour, covered, found.inverse_depth.copy()), points, camera, seen_in)


def change(before: Canvas, after: Canvas) -> Floats:
    """[H, W] largest change of a colour channel."""
    return np.abs(after.colour - before.colour).max(axis=2)


def assert_sound(canvas: Canvas) -> None:
    """Check what holds for every canvas."""
    for part in (canvas.colour, canvas.alpha, canvas.inverse_depth):
        assert part.dtype == np.float32
        assert np.isfinite(part).all()
    assert canvas.alpha.min() >= 0
    assert canvas.alpha.max() <= 1 + 1e-5
    assert canvas.colour.min() >= 0
    # Colour is premultiplied by alpha.
    assert canvas.colour[canvas.alpha == 0].max(initial=0) == 0


def empty_canvas(
    size: int = 32, colour: float = 0.0, alpha: float = 0.0, inverse_depth: float = 0.0
) -> Canvas:
    """Return a square canvas with the same values everywhere."""
    return Canvas(
        np.full((size, size, 3), colour, np.float32),
        np.full((size, size), alpha, np.float32),
        np.full((size, size), inverse_depth, np.float32),
    )
