"""What a face detector says of one face, and what it is asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.core.sample import Point

LANDMARK_NAMES = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")


@dataclass(frozen=True)
class DetectedFace:
    """One face in a picture: where, how surely, and its five landmarks."""

    box: FaceBox
    """Whole pixels inside the picture."""
    score: float
    """Probability that the box holds a face, 0..1."""
    landmarks: tuple[Point, ...]
    """(x, y) in whole pixels, in the order of LANDMARK_NAMES, left and right as the viewer sees
    them; a landmark of a cut face may lie outside the picture."""

    @property
    def roll(self) -> float:
        """Tilt of the line through the eyes in degrees, clockwise on the screen, -180 to 180."""
        (left_x, left_y), (right_x, right_y) = self.landmarks[:2]
        return math.degrees(math.atan2(right_y - left_y, right_x - left_x))


class FaceDetector(Protocol):
    """Whatever finds faces as `Mtcnn` does."""

    def detect(
        self, images: Sequence[NDArray[np.uint8]], coarse_first: bool = False
    ) -> list[list[DetectedFace]]:
        """Find the faces of each picture, best score first.

        images: [H, W, 3] RGB, of any sizes.  coarse_first: only the largest face is wanted.
        """
        ...
