"""Which of the faces in a picture is the one that the label speaks of."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fer_det.core.box import FaceBox
from fer_det.core.sample import Point
from fer_det.faces.detector import DetectedFace

MIN_IOU = 0.3
"""Least overlap at which a found face is the one in the data set's box.

A box drawn s times as wide and high around the same face has IoU 1 / s**2, so boxes from 0.55 to
1.8 times MTCNN's side are accepted: data sets differ by hair, chin and ears, hardly by more.
Another face of the same size, d face-widths aside, has (1 - d) / (1 + d): 0.3 would take one at
d = 0.54, with half of a head hidden behind the other, where MTCNN hardly finds both.
"""


def select_labelled_face(
    faces: Sequence[DetectedFace],
    width: int,
    height: int,
    face_box: FaceBox | None,
    landmarks: Sequence[Point],
) -> int | None:
    """Index into `faces` of the labelled one, None where none of them fits.

    width, height: of the picture, in pixels.  face_box: the data set's own box; the face that
    overlaps it most, by MIN_IOU at least.  landmarks: the data set's own points, asked where there
    is no box; the face that holds most of them, and more than half.  With neither, the largest
    face, the most central among equals: the score would more often point at somebody else.
    """
    if not faces:
        return None
    if face_box is not None:
        return _by_box(faces, face_box)
    if landmarks:
        return _by_landmarks(faces, landmarks)
    return _largest(faces, width, height)


def _by_box(faces: Sequence[DetectedFace], face_box: FaceBox) -> int | None:
    overlaps = [face.box.iou(face_box) for face in faces]
    best = max(range(len(faces)), key=overlaps.__getitem__)
    return best if overlaps[best] >= MIN_IOU else None


def _by_landmarks(faces: Sequence[DetectedFace], landmarks: Sequence[Point]) -> int | None:
    held = [sum(face.box.contains(x, y) for x, y in landmarks) for face in faces]
    # Among equals the smallest: it fits the points closest.
    best = max(range(len(faces)), key=lambda index: (held[index], -faces[index].box.area))
    return best if 2 * held[best] > len(landmarks) else None


def _largest(faces: Sequence[DetectedFace], width: int, height: int) -> int:
    def rank(index: int) -> tuple[float, float]:
        box = faces[index].box
        return box.area, -math.dist(box.centre, (width / 2, height / 2))

    return max(range(len(faces)), key=rank)
