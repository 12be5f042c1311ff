"""Drawing of a face mask (a respirator over nose, mouth and chin) onto a photo of a face.

The cloth is a part of a cylinder that five landmarks place: its axis is the line through the middle
of the eyes and of the mouth, and the nose's distance from that line gives the turn of the head. It
has the shape, colours and pleats of the masks of synthetic faces (made_faces.accessories.mask).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.imaging.jitter import is_gray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

COLOURS = (
    (0.36, 0.60, 0.72),
    (0.80, 0.82, 0.83),
    (0.42, 0.68, 0.62),
    (0.025, 0.025, 0.028),
    (0.62, 0.30, 0.34),
    (0.07, 0.10, 0.20),
    (0.30, 0.30, 0.31),
    (0.55, 0.47, 0.36),
)
"""Surgical blue, white, green; black; and cloth in rose, navy, gray, sand; linear RGB."""
FREQUENCIES = (0.34, 0.2, 0.08, 0.16, 0.05, 0.06, 0.06, 0.05)
HALF_WIDTH = 66.0
"""Degrees around the cylinder from the nose to the side of the mask."""

_TOP: tuple[tuple[float, float], ...] = ((0, 0.36), (9, 0.40), (22, 0.55), (40, 0.62), (66, 0.66))
_BOTTOM: tuple[tuple[float, float], ...] = ((0, 1.82), (30, 1.76), (66, 1.34))
"""Upper and lower edge as (degrees to the side, place between eyes 0 and mouth 1)."""
_RADIUS = 1.12
"""Of the cylinder, in distances between the eyes."""
_EYES, _NOSE = 0.85, 1.45
"""Distance of the middle of the eyes and of the tip of the nose from the axis, in the same unit."""
_MAX_TURN = 60.0
"""Degrees; what landmarks ask for beyond is an error of theirs."""
_EAR_DEGREES, _EARS = 98.0, (0.15, 0.55)
"""Where the upper and the lower loop go behind the ear."""
_PLEATS = (0.30, 0.50, 0.70)

IN_BOX = ((0.29, 0.39), (0.74, 0.39), (0.515, 0.605), (0.32, 0.785), (0.71, 0.785))
"""MTCNN's landmarks of a frontal face in its box, in parts of its sides: means over photos."""


@dataclass(frozen=True)
class _Cloth:
    colour: Floats
    """RGB, 0 to 255, in the light of the photo."""
    pleats: bool


@dataclass(frozen=True)
class _Placement:
    """The cylinder in the photo."""

    origin: NDArray[np.float64]
    """Middle of the eyes, on the cylinder's axis, in pixels."""
    axes: NDArray[np.float64]
    """[2, 2], columns: one eye distance to the right, and from the eyes to the mouth."""
    turn: float
    """Degrees about the axis, positive towards the right of the photo."""

    def to_photo(self, degrees: NDArray[np.float64], down: NDArray[np.float64]) -> Floats:
        """Points on the cylinder -> [..., 2] pixels."""
        seen = np.clip(degrees + self.turn, -90, 90)
        across = _RADIUS * np.sin(np.radians(seen))
        places = np.stack(np.broadcast_arrays(across, down), axis=-1)
        return np.asarray(places @ self.axes.T + self.origin, np.float32)


def landmarks_in_box(box: FaceBox) -> NDArray[np.float32]:
    """Where a frontal face has its landmarks in a box as MTCNN draws it: [5, 2] pixels."""
    corner, sides = np.array([box.x_min, box.y_min]), np.array([box.width, box.height])
    return np.asarray(corner + np.array(IN_BOX) * sides, np.float32)


def makes_face(landmarks: NDArray[np.floating]) -> bool:
    """Whether a mask can be placed by these points."""
    return landmarks.shape == (5, 2) and _place(np.asarray(landmarks, np.float64)) is not None


def draw_mask(
    pixels: Pixels, landmarks: NDArray[np.floating], generator: np.random.Generator
) -> Pixels:
    """Return a copy of a photo [H, W, 3] in which a face wears a mask.

    landmarks: [5, 2], eyes, nose and corners of the mouth as in faces.detector.LANDMARK_NAMES.
    generator: chooses the cloth. Landmarks that make no face change nothing.
    """
    placement = _place(np.asarray(landmarks, np.float64))
    result = pixels.copy()
    if placement is None:
        return result
    cloth = _choose_cloth(pixels, placement, generator)
    _draw_loops(result, placement, cloth)
    region = _region(pixels, placement)
    if region is None:
        return result
    left, top, right, bottom = region
    part = result[top:bottom, left:right].astype(np.float32)
    colour, alpha = _shade(placement, cloth, region)
    blur = max(float(np.linalg.norm(placement.axes[:, 1])) * 0.06, 0.3)
    shadow = 0.3 * (cv2.GaussianBlur(alpha, (0, 0), blur) * (1 - alpha))[..., None]
    part = part * (1 - shadow)
    part += (colour - part) * alpha[..., None]
    result[top:bottom, left:right] = np.rint(part).clip(0, 255).astype(np.uint8)
    return result


def _place(points: NDArray[np.float64]) -> _Placement | None:
    """The cylinder of five landmarks; None where they make no face."""
    left, right, nose, mouth_left, mouth_right = points
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    down = mouth - eyes
    across = (right - left) / 2 + (mouth_right - mouth_left) * 0.6
    length, height = np.hypot(*across), np.hypot(*down)
    if not np.isfinite(points).all() or min(length, height) < 1:
        return None
    across = across / length
    if abs(across[0] * down[1] - across[1] * down[0]) < 0.2 * height:
        return None
    # A turned head shows its eyes closer together, and never closer than the mouth is far.
    distance = max(length, 0.75 * height)
    # How far the nose is beside the line from the eyes to the mouth, along `across`.
    beside = float(np.linalg.solve(np.column_stack([across, down]), nose - eyes)[0])
    offset = beside / distance
    turn = float(np.degrees(np.arcsin(np.clip(offset / (_NOSE - _EYES), -1, 1))))
    turn = float(np.clip(turn, -_MAX_TURN, _MAX_TURN))
    distance = max(length / np.cos(np.radians(turn)), 0.75 * height)
    distance = min(distance, 1.25 * height)
    axis = eyes - across * distance * _EYES * np.sin(np.radians(turn))
    return _Placement(axis, np.column_stack([across * distance, down]), turn)


def _choose_cloth(pixels: Pixels, placement: _Placement, generator: np.random.Generator) -> _Cloth:
    number = int(generator.choice(len(COLOURS), p=FREQUENCIES))
    gain = generator.uniform(0.85, 1.12)
    pleats = number < 3 or (number == 3 and generator.random() < 0.6)
    linear = np.array(COLOURS[number]) * gain
    colour = 255 * linear.clip(0, 1) ** (1 / 2.2)
    if is_gray(pixels):
        colour = np.full(3, colour @ (0.299, 0.587, 0.114))
    # Skin reflects about a third of the light, which makes it 0.6 of white in a photo.
    region = _region(pixels, placement)
    face = pixels if region is None else pixels[region[1] : region[3], region[0] : region[2]]
    light = np.clip(face.mean() / (0.6 * 255), 0.35, 1.15)
    return _Cloth(np.asarray((colour * light).clip(4, 250), np.float32), pleats)


def _region(pixels: Pixels, placement: _Placement) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of the part of the photo that the cloth may cover."""
    degrees = np.linspace(-HALF_WIDTH, HALF_WIDTH, 33)
    edges = [_edge_at(edge, degrees) for edge in (_TOP, _BOTTOM)]
    points = np.concatenate([placement.to_photo(degrees, edge) for edge in edges])
    height, width = pixels.shape[:2]
    left, top = np.maximum(np.floor(points.min(axis=0)).astype(int) - 2, 0).tolist()
    right, bottom = np.minimum(
        np.ceil(points.max(axis=0)).astype(int) + 2, (width, height)
    ).tolist()
    return (left, top, right, bottom) if left < right and top < bottom else None


def _shade(
    placement: _Placement, cloth: _Cloth, region: tuple[int, int, int, int]
) -> tuple[Floats, Floats]:
    """Colour [h, w, 3] of the cloth and how much of each pixel it covers [h, w]."""
    left, top, right, bottom = region
    x, y = np.meshgrid(np.arange(left, right) + 0.5, np.arange(top, bottom) + 0.5)
    inverse = np.linalg.inv(placement.axes)
    places = (np.stack([x, y], axis=-1) - placement.origin) @ inverse.T
    sine = places[..., 0] / _RADIUS
    seen = np.degrees(np.arcsin(sine.clip(-1, 1)))
    degrees = seen - placement.turn
    upper, lower = (_edge_at(edge, degrees) for edge in (_TOP, _BOTTOM))
    unit_x, unit_y = np.linalg.norm(placement.axes, axis=0)
    # Distances from the edges in pixels, so that they are as soft as the photo's own.
    above = np.minimum(places[..., 1] - upper, lower - places[..., 1]) * unit_y
    per_degree = np.pi / 180 * _RADIUS * unit_x * np.maximum(np.cos(np.radians(seen)), 0.15)
    beside = (HALF_WIDTH - abs(degrees)) * per_degree
    rim = (1 - abs(sine)) * _RADIUS * unit_x
    inside = np.minimum(np.minimum(above, beside), rim)
    alpha = (inside + 0.5).clip(0, 1)
    down = (places[..., 1] - upper) / (lower - upper)
    brightness = 0.62 + 0.38 * np.cos(np.radians(0.8 * seen)) - 0.12 * (down - 0.5)
    brightness *= 0.82 + 0.18 * (inside / (0.05 * unit_y)).clip(0, 1)
    bend = 0.015 * (degrees / HALF_WIDTH) ** 2
    if cloth.pleats:
        for fold in _PLEATS:
            below = down - fold - bend
            brightness += 0.10 * _gaussian((below + 0.03) / 0.02)
            brightness -= 0.22 * _gaussian((below - 0.005) / 0.012)
    else:
        brightness -= 0.15 * _gaussian(degrees / 1.2)
    colour = cloth.colour * brightness[..., None].clip(0.3, 1.2)
    return np.asarray(colour, np.float32), np.asarray(alpha, np.float32)


def _edge_at(
    edge: tuple[tuple[float, float], ...], degrees: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Place of _TOP or _BOTTOM at these degrees to either side."""
    sides, places = np.transpose(edge)
    return np.asarray(np.interp(abs(degrees), sides, places), np.float64)


def _draw_loops(pixels: Pixels, placement: _Placement, cloth: _Cloth) -> None:
    """Draw two strings on each side that is seen, from the corners of the mask to the ear."""
    width = max(round(0.03 * float(np.linalg.norm(placement.axes[:, 0]))), 1)
    pale = cloth.colour * 0.6 + 80 * (cloth.colour.mean() > 60)
    colour = tuple(int(value) for value in pale.clip(0, 255))
    part = np.linspace(0, 1, 9)
    for side in (-1, 1):
        if side * placement.turn > 90 - HALF_WIDTH:
            continue
        for edge, ear in zip((_TOP, _BOTTOM), _EARS, strict=True):
            degrees = side * (HALF_WIDTH - 2 + (_EAR_DEGREES - HALF_WIDTH) * part)
            start = edge[-1][1] + (0.08 if edge is _TOP else -0.1)
            points = placement.to_photo(degrees, start + (ear - start) * part)
            fixed = np.rint(points * 16).astype(np.int32)
            cv2.polylines(pixels, [fixed], False, colour, width, cv2.LINE_AA, shift=4)


def _gaussian(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-0.5 * values**2)
