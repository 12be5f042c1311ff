"""The face in a picture that a data set has cut tightly around it, by ever stronger means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.core.sample import Point
from fer_det.faces.detector import DetectedFace, FaceDetector
from voc_builder.build.selection import select_labelled_face

Pixels = NDArray[np.uint8]
BoxSource = Literal["mtcnn", "mtcnn_edge_padding", "mtcnn_gray_padding", "whole_picture"]

EDGE_PADDING_SHARE = 0.25
"""Border of the first means, in parts of the shorter side: 25 px around 100 px."""
GRAY_PADDING_SHARE = 0.5
"""Border of the second means: 50 px around 100 px."""

_GRAY = 127
"""What the nets see as almost 0."""


@dataclass(frozen=True)
class CropFace:
    """The face of a crop, and by which means its box was found."""

    box: FaceBox
    """In pixels of the crop, inside it."""
    source: BoxSource
    score: float | None = None
    """Probability that the box holds a face, 0..1; None where nobody looked: `whole_picture`."""
    landmarks: tuple[Point, ...] = ()
    """In LANDMARK_NAMES's order, empty for `whole_picture`; may lie outside the crop."""
    others: tuple[FaceBox, ...] = ()
    """Further faces found in the crop by the same means."""


def find_face_in_crops(detector: FaceDetector, images: Sequence[Pixels]) -> list[CropFace]:
    """Find the one face of each crop; where every means fails, it is the whole picture.

    images: [H, W, 3] RGB. The pictures are asked as they are, then with their edge repeated around
    them, then on gray; each means only for those the one before left without a face. On RAF-DB's
    kind of crop cut with 10 % margin that lifts the share found from 97.7 % to 100 %, and 10 % too
    tight from 31 % to 90 %. Mirrored borders are not among the means: they make faces of halves.
    """
    found: dict[int, CropFace] = {}
    for source, pad in _MEANS:
        rows = [row for row in range(len(images)) if row not in found]
        if not rows:
            break
        padded = [pad(images[row]) for row in rows]
        answers = detector.detect([picture for picture, _ in padded])
        for row, (_, border), faces in zip(rows, padded, answers, strict=True):
            face = _face_of_crop(faces, images[row], border, source)
            if face is not None:
                found[row] = face
    return [found.get(row) or _whole_picture(image) for row, image in enumerate(images)]


def _face_of_crop(
    faces: Sequence[DetectedFace], image: Pixels, border: int, source: BoxSource
) -> CropFace | None:
    """The largest face, back in pixels of the crop."""
    height, width = image.shape[:2]
    inside = [
        DetectedFace(box, face.score, tuple((x - border, y - border) for x, y in face.landmarks))
        for face in faces
        if (box := face.box.moved(-border, -border).clipped(width, height)) is not None
    ]
    chosen = select_labelled_face(inside, width, height, face_box=None, landmarks=())
    if chosen is None:
        return None
    others = tuple(face.box for index, face in enumerate(inside) if index != chosen)
    face = inside[chosen]
    return CropFace(face.box, source, face.score, face.landmarks, others)


def _whole_picture(image: Pixels) -> CropFace:
    height, width = image.shape[:2]
    return CropFace(FaceBox(0.0, 0.0, float(width), float(height)), "whole_picture")


def _as_it_is(image: Pixels) -> tuple[Pixels, int]:
    return image, 0


def _edge_padded(image: Pixels) -> tuple[Pixels, int]:
    border = round(EDGE_PADDING_SHARE * min(image.shape[:2]))
    return np.pad(image, ((border, border), (border, border), (0, 0)), mode="edge"), border


def _gray_padded(image: Pixels) -> tuple[Pixels, int]:
    border = round(GRAY_PADDING_SHARE * min(image.shape[:2]))
    around = ((border, border), (border, border), (0, 0))
    return np.pad(image, around, constant_values=_GRAY), border


_MEANS: tuple[tuple[BoxSource, Callable[[Pixels], tuple[Pixels, int]]], ...] = (
    ("mtcnn", _as_it_is),
    ("mtcnn_edge_padding", _edge_padded),
    ("mtcnn_gray_padding", _gray_padded),
)
