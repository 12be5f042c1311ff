"""Which part of a photo around a face is looked at, from the face alone to the whole photo."""

from __future__ import annotations

import numpy as np

from fer_det.affine import Matrix
from fer_det.box import FaceBox

TIGHTEST = 1.05
"""Side of the smallest square, in the larger side of the face's box."""


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


def _draw_start(first: float, last: float, extent: int, side: float, along: float) -> float:
    """Where a stretch of that length begins that holds first..last, within 0..extent if it can."""
    if side >= extent:
        # As a letterbox has it: the photo first, then what fills the square.
        return 0.0
    slack = max(side - (last - first), 0.0)
    start = (first + last - side) / 2 + (along - 0.5) * slack
    return min(max(start, 0.0), extent - side)
