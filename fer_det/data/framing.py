"""Which part of a photo around a face is looked at, and how exact the face's box is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.imaging.affine import Matrix

TIGHTEST = 1.05
"""Side of the smallest square, in the larger side of the face's box."""

LOOSENESS = 0.1
"""In training the box is as inexact as a detector's proposal: each edge is off by up to this part
of the box's side."""


def draw_framing(
    box: FaceBox, width: int, height: int, size: int, generator: np.random.Generator
) -> Matrix:
    """Draw a square of a photo of that size that holds the face: [2, 3] affine to the input's.

    Its side is drawn evenly on a logarithmic scale up to the photo's longer side, so that the face
    is met at every size at which a detector would meet it; its place evenly too, inside the photo
    where it fits.
    """
    longest = max(width, height)
    least = min(TIGHTEST * max(box.width, box.height), longest)
    fraction, along_x, along_y = generator.random(3).tolist()
    side = least * (longest / least) ** fraction
    left = _draw_start(box.x_min, box.x_max, width, side, along_x)
    top = _draw_start(box.y_min, box.y_max, height, side, along_y)
    scale = size / side
    return np.array([[scale, 0.0, -scale * left], [0.0, scale, -scale * top]])


def face_square(box: FaceBox, margin: float, size: int) -> Matrix:
    """The square about a face, with `margin` of its larger side on each side: [2, 3] affine.

    The face lies in the middle of the input, its shape kept; the square may reach beyond the photo.
    """
    side = (1 + 2 * margin) * max(box.width, box.height)
    scale, (x, y) = size / side, box.centre
    return np.array([[scale, 0.0, size / 2 - scale * x], [0.0, scale, size / 2 - scale * y]])


def loosen(boxes: NDArray[np.floating], generator: np.random.Generator) -> NDArray[np.float64]:
    """Boxes [N, 4], each edge moved by up to LOOSENESS of the box's side."""
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    return boxes + LOOSENESS * sides * (2 * generator.random(boxes.shape) - 1)


def _draw_start(first: float, last: float, extent: int, side: float, along: float) -> float:
    """Where a stretch of that length begins that holds first..last, within 0..extent if it can."""
    if side >= extent:
        # As a letterbox has it: the photo first, then what fills the square.
        return 0.0
    slack = max(side - (last - first), 0.0)
    start = (first + last - side) / 2 + (along - 0.5) * slack
    return min(max(start, 0.0), extent - side)
