"""Pose of the head, the camera, and where the face then appears in the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from made_faces.face_model.head import Head
from made_faces.scene.scene import Scene
from made_faces.surface import UP, Floats
from made_faces.texture import smooth_step


@dataclass(frozen=True)
class _Joint:
    """A bending point of the neck; heights on the base head in metres."""

    low: float
    """Vertices below this height do not rotate with the joint."""
    high: float
    """Vertices above this height rotate fully."""
    part: float
    """Fraction of the head's rotation against the shoulders."""

    @property
    def pivot(self) -> float:
        """Height about which the joint rotates."""
        return (self.low + self.high) / 2


# From the head down, so that each joint rotates everything above it as already posed. The upper
# joint ends below the chin (0.615), or a rotated head would shear its own jaw.
_JOINTS = (_Joint(0.565, 0.615, 0.5), _Joint(0.51, 0.565, 0.5))
_SHOULDER_SHARES = (0.4, 0.1, 0.15)
"""Fractions of yaw, pitch and roll with which the shoulders follow the head."""
_WAIST = 0.3
"""Metres below the lower joint about which the shoulders rotate."""


def head_rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """Return the rotation [3, 3] for yaw, pitch and roll in degrees.

    Positive angles turn the head to its left, downwards and towards its left shoulder.
    """
    return (
        _rotation(np.array([0, 0, np.radians(yaw)]))
        @ _rotation(np.array([np.radians(pitch), 0, 0]))
        @ _rotation(np.array([0, np.radians(roll), 0]))
    ).astype(np.float32)


def pose_head(points: Floats, template: Floats, yaw: float, pitch: float, roll: float) -> Floats:
    """Pose a head [V, 3]; degrees to its left, downwards, towards its left shoulder.

    template: the same vertices on the base head, whose heights separate head, neck and shoulders.
    The shoulders follow a little and the neck bends in between.
    """
    shoulders = head_rotation(
        *(angle * part for angle, part in zip((yaw, pitch, roll), _SHOULDER_SHARES, strict=True))
    )
    bend = _rotation_vector(shoulders.T @ head_rotation(yaw, pitch, roll))
    posed = points
    for joint in _JOINTS:
        pivot = _neck_centre(points, template, joint.pivot)
        follow = _joint_weights(template, joint) * np.float32(joint.part)
        posed = _rotate_about(posed, pivot, bend, follow)
    waist = _neck_centre(points, template, _JOINTS[-1].pivot) - _WAIST * UP
    whole: Floats = ((posed - waist) @ shoulders.T + waist).astype(np.float32)
    return whole


def _joint_weights(template: Floats, joint: _Joint) -> Floats:
    """[V] weight with which each vertex rotates with the joint, 0 to 1."""
    return smooth_step(joint.low, joint.high, template[:, 2])


def _neck_centre(points: Floats, template: Floats, height: float) -> Floats:
    """[3] centre of the neck at a height on the base head."""
    ring = np.abs(template[:, 2] - height) < 0.012
    ring &= np.abs(template[:, 0]) < 0.07
    found = points[ring]
    centre: Floats = (found.min(axis=0) + found.max(axis=0)) / 2
    return centre


def _rotate_about(
    points: Floats, pivot: Floats, vector: NDArray[np.float64], parts: Floats
) -> Floats:
    """Rotate each point about the pivot by its fraction of a rotation vector (radians)."""
    angle = float(np.linalg.norm(vector))
    if angle == 0:
        return points
    axis = (vector / angle).astype(np.float32)
    turn = (np.float32(angle) * parts)[:, None]
    arm = points - pivot
    along = (arm @ axis)[:, None] * axis
    # Rodrigues' formula.
    turned: Floats = (
        pivot + along + (arm - along) * np.cos(turn) + np.cross(axis, arm) * np.sin(turn)
    )
    return turned


def _rotation(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert a rotation vector in radians to a matrix [3, 3]."""
    angle = float(np.linalg.norm(vector))
    if angle == 0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation: NDArray[np.float64] = np.eye(3) + np.sin(angle) * cross
    rotation += (1 - np.cos(angle)) * cross @ cross
    return rotation


def _rotation_vector(matrix: NDArray[np.floating]) -> NDArray[np.float64]:
    """Convert a rotation matrix [3, 3] of less than 180 degrees to a rotation vector in radians."""
    twist = np.array(
        [matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]],
        np.float64,
    )
    sine, cosine = float(np.linalg.norm(twist)) / 2, (float(np.trace(matrix)) - 1) / 2
    if sine < 1e-9:
        return np.zeros(3)
    vector: NDArray[np.float64] = twist / (2 * sine) * np.arctan2(sine, cosine)
    return vector


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks along +y; sizes in pixels of the renderer's resolution."""

    width: int
    height: int
    focal: float
    """Focal length in pixels."""
    centre: tuple[float, float]
    """Column and row of the target."""
    target: Floats
    """[3] the point in the world that the camera is aimed at."""
    distance: float
    """Metres from the camera to the target, along y."""

    @property
    def pixels_per_metre(self) -> float:
        """Scale at the distance of the target."""
        return self.focal / self.distance

    @property
    def position(self) -> Floats:
        """[3] position of the camera in the world."""
        return self.target - np.array([0, self.distance, 0], np.float32)

    def project(self, points: Floats) -> Floats:
        """Project points [N, 3] of the world -> [N, 3]: column, row, 1 / distance along the view
        axis.
        """
        offset = points - self.target
        inverse_depth = 1 / (offset[:, 1] + np.float32(self.distance))
        scale = np.float32(self.focal) * inverse_depth
        column = np.float32(self.centre[0]) + offset[:, 0] * scale
        row = np.float32(self.centre[1]) - offset[:, 2] * scale
        return np.stack([column, row, inverse_depth], axis=1).astype(np.float32)


SUPERSAMPLING = 1.5
"""Pixels of the renderer per pixel of the final picture, along a side."""

_BROWS, _CHIN = slice(17, 27), 8
"""Indices among the 68 landmarks."""
_ADULT_FACE_HEIGHT = 0.135
"""Metres from brow to chin of an adult; the camera moves proportionally closer to smaller faces."""
_MIN_DISTANCE_SHARE = 0.6
"""Lower bound of that proportion."""


def portrait_camera(head: Head, shape: Floats, scene: Scene) -> Camera:
    """Return the camera that frames a face as the scene asks for; shape [V, 3]: the neutral head.

    It is aimed at the neutral face, so that all pictures of one scene are framed alike.
    """
    posed = pose_head(shape, head.template, scene.yaw, scene.pitch, scene.roll)
    face_height = _face_height(head, shape)
    width, height = (round(side * SUPERSAMPLING) for side in (scene.width, scene.height))
    distance = scene.distance * max(_MIN_DISTANCE_SHARE, face_height / _ADULT_FACE_HEIGHT)
    across, down = scene.offset
    return Camera(
        width=width,
        height=height,
        focal=scene.face_fraction * min(width, height) * distance / face_height,
        centre=(width * (0.5 + across), height * (0.5 + down)),
        target=_face_middle(head, posed),
        distance=distance,
    )


def face_box(head: Head, projected: Floats, camera: Camera, scene: Scene) -> FaceBox:
    """Return the face box in pixels of the final picture; it may exceed the picture.

    projected [V, 3]: the head as projected by the camera.
    """
    corners = final_pixels(projected[np.unique(head.face)], camera, scene)
    (x_min, y_min), (x_max, y_max) = corners.min(axis=0), corners.max(axis=0)
    return FaceBox(float(x_min), float(y_min), float(x_max), float(y_max))


def final_pixels(projected: Floats, camera: Camera, scene: Scene) -> Floats:
    """[N, 2] columns and rows in the final picture."""
    scale = np.array([scene.width / camera.width, scene.height / camera.height], np.float32)
    pixels: Floats = projected[:, :2] * scale
    return pixels


def _face_height(head: Head, shape: Floats) -> float:
    """Metres from brows to chin."""
    heights = shape[head.landmarks68, 2]
    return float(heights[_BROWS].mean() - heights[_CHIN])


def _face_middle(head: Head, posed: Floats) -> Floats:
    """[3] the point between the eyes and the mouth."""
    left_eye, right_eye, _, left_mouth, right_mouth = posed[head.landmarks]
    middle: Floats = (left_eye + right_eye + left_mouth + right_mouth) / 4
    return middle
