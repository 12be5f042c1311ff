"""Where the camera stands for a portrait, and where the face then lies in the picture."""

from __future__ import annotations

import numpy as np

from fer_det.core.box import FaceBox
from made_faces.face_model.head import Head
from made_faces.renderer.camera import Camera
from made_faces.renderer.pose import pose_head
from made_faces.scene.scene import Scene
from made_faces.surface import Floats

SUPERSAMPLING = 1.5
"""Pixels of the renderer for each of the finished picture, along a side."""

_BROWS, _CHIN = slice(17, 27), 8
"""Of the 68 landmarks."""
_GROWN_FACE = 0.135
"""Metres from brow to chin of a grown person; the camera comes as much nearer to a smaller one."""
_NEAREST = 0.6
"""Of the distance to a grown person."""


def aim(head: Head, shape: Floats, scene: Scene) -> Camera:
    """The camera that takes the scene of this person, `shape` [V, 3] the head at rest.

    It is aimed at the face at rest, so that all pictures of one scene are framed alike.
    """
    posed = pose_head(shape, head.template, scene.yaw, scene.pitch, scene.roll)
    face_height = _face_height(head, shape)
    width, height = (round(side * SUPERSAMPLING) for side in (scene.width, scene.height))
    distance = scene.distance * max(_NEAREST, face_height / _GROWN_FACE)
    across, down = scene.offset
    return Camera(
        width=width,
        height=height,
        focal=scene.face_part * min(width, height) * distance / face_height,
        centre=(width * (0.5 + across), height * (0.5 + down)),
        target=_face_middle(head, posed),
        distance=distance,
    )


def face_box(head: Head, projected: Floats, camera: Camera, scene: Scene) -> FaceBox:
    """The face's box in the finished picture's pixels, also where it reaches out of the picture.

    projected [V, 3]: the head as the camera sees it.
    """
    corners = final_pixels(projected[np.unique(head.face)], camera, scene)
    (x_min, y_min), (x_max, y_max) = corners.min(axis=0), corners.max(axis=0)
    return FaceBox(float(x_min), float(y_min), float(x_max), float(y_max))


def final_pixels(projected: Floats, camera: Camera, scene: Scene) -> Floats:
    """[N, 2] columns and rows in the finished picture."""
    scale = np.array([scene.width / camera.width, scene.height / camera.height], np.float32)
    pixels: Floats = projected[:, :2] * scale
    return pixels


def _face_height(head: Head, shape: Floats) -> float:
    """Metres from the brows down to the chin."""
    heights = shape[head.landmarks68, 2]
    return float(heights[_BROWS].mean() - heights[_CHIN])


def _face_middle(head: Head, posed: Floats) -> Floats:
    """[3] between the eyes and the mouth."""
    left_eye, right_eye, _, left_mouth, right_mouth = posed[head.landmarks]
    middle: Floats = (left_eye + right_eye + left_mouth + right_mouth) / 4
    return middle
