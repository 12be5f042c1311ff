"""What the exact and the fast cascade of MTCNN share: thresholds, and the last step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.faces.detector import DetectedFace
from fer_det.faces.mtcnn.boxes import Candidates, suppress

Pixels = NDArray[np.uint8]

PNET_SCORE, RNET_SCORE, ONET_SCORE = 0.6, 0.7, 0.8
MAX_OVERLAP_IN_LEVEL, MAX_OVERLAP = 0.5, 0.7


def demand_rgb8(images: Sequence[Pixels]) -> None:
    """Raise ValueError for an array that is no picture [H, W, 3] uint8."""
    for image in images:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"a picture of {image.dtype} {image.shape}, not uint8 [H, W, 3]")


def logit(score: float) -> float:
    """The logit of a probability, against which the nets' logits are compared."""
    return math.log(score / (1 - score))


def finish(
    faces: Candidates, landmarks: NDArray[np.float64], height: int, width: int
) -> Iterator[tuple[int, DetectedFace]]:
    """Suppress and round what O-Net answered: (picture, face), best score of a picture first."""
    for row in suppress(faces, MAX_OVERLAP, "smaller"):
        box = _rounded_box(faces.boxes[row], height, width)
        if box is not None:
            points = tuple((float(x), float(y)) for x, y in np.round(landmarks[row]))
            yield int(faces.pictures[row]), DetectedFace(box, float(faces.scores[row]), points)


def _rounded_box(edges: NDArray[np.float64], height: int, width: int) -> FaceBox | None:
    """Clamp to the picture, then round x, y, width, height one by one, halves to even."""
    x_min, x_max = np.clip(edges[[0, 2]], 0, width - 1)
    y_min, y_max = np.clip(edges[[1, 3]], 0, height - 1)
    x, y, w, h = (float(np.round(value)) for value in (x_min, y_min, x_max - x_min, y_max - y_min))
    return FaceBox(x, y, x + w, y + h) if w > 0 and h > 0 else None
