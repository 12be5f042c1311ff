"""Pictures that lie on their side or upside down, without metadata that says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.predict.pixels import Pixels

SURE = 0.995
"""In nine group photos MTCNN's highest score is 0.999 or more upright, and at most 0.991 turned."""
QUARTERS = (1, 2, 3)
"""Quarter turns, anticlockwise, that are tried."""


def is_doubtful(faces: Sequence[Detection]) -> bool:
    """Whether no face, or none with a high score, was found in a picture."""
    return max((face.score for face in faces), default=0.0) < SURE


def turn(pixels: Pixels, quarters: int) -> Pixels:
    """Turn [H, W, 3] anticlockwise by quarters."""
    return np.ascontiguousarray(np.rot90(pixels, quarters))


def turn_back(
    faces: Sequence[Detection], quarters: int, width: int, height: int
) -> list[Detection]:
    """Faces in a picture of width x height after `turn` -> the same faces in the picture itself."""
    found = []
    for face in faces:
        box = face.box
        for quarter in range(quarters, 0, -1):
            # A column of the picture before this quarter turn is a row after it, from the bottom.
            edge = width if quarter % 2 else height
            box = FaceBox(edge - box.y_max, box.x_min, edge - box.y_min, box.x_max)
        found.append(replace(face, box=box))
    return found


def most_certain(answers: Sequence[list[Detection]]) -> list[Detection]:
    """The answer with the highest sum of scores, of equals the first."""
    return max(answers, key=lambda faces: sum(face.score for face in faces))
