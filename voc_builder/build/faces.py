"""Which box each labelled face of a picture gets, and which other faces are ignored."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.core.label import Label
from fer_det.core.sample import Face, Point, Sample
from fer_det.faces.detector import DetectedFace, FaceDetector
from voc_builder.build.config import BoxChoice

Pixels = NDArray[np.uint8]

MIN_IOU = 0.3
"""Least overlap at which a detected face is the one in the data set's box.

A box drawn s times as wide and high around the same face has IoU 1 / s**2, so boxes from 0.55 to
1.8 times MTCNN's side are accepted: data sets differ by hair, chin and ears, hardly by more.
Another face of the same size, d face widths aside, has (1 - d) / (1 + d): 0.3 would take one at
d = 0.54, with half of a head hidden behind the other, where MTCNN hardly finds both.
"""

DATASET_BOX = "dataset"
"""The box source of a box that is the data set's own."""
MTCNN_BOX = "mtcnn"
WHOLE_PICTURE = "whole_picture"
"""The box source of a crop in which no detection found a face."""
WHOLE_BY_RULE = "whole_picture_unsearched"
"""The box source of a crop that was not searched: boxes is `whole`."""

EDGE_PADDING_SHARE = 0.25
"""Border of the second attempt on a crop, in parts of its shorter side: 25 px around 100 px."""
GRAY_PADDING_SHARE = 0.5
"""Border of the third attempt: 50 px around 100 px."""
_GRAY = 127
"""Almost 0 for MTCNN's networks."""


@dataclass(frozen=True)
class PlacedFace:
    """A labelled face and its box."""

    label: Label
    box: FaceBox | None
    """In pixels, inside the picture; None where the face has no place, for `reason`."""
    source: str | None = None
    """Where the box comes from: "mtcnn", "dataset", ..."""
    score: float | None = None
    """MTCNN's, 0..1; None for a box that is not MTCNN's."""
    reason: str | None = None
    """Why there is no box."""
    landmarks: tuple[Point, ...] = ()
    """MTCNN's, in pixels; () for a box that is not MTCNN's."""


@dataclass(frozen=True)
class PlacedFaces:
    """The labelled faces of a picture, and its other faces."""

    faces: tuple[PlacedFace, ...]
    ignored: tuple[FaceBox, ...] = ()
    """Faces without a label."""


def place_faces(
    sample: Sample, size: tuple[int, int], detected: Sequence[DetectedFace], boxes: BoxChoice
) -> PlacedFaces:
    """Give each labelled face of a photo of that (width, height) a box, or the reason for none.

    boxes: "official" takes the data set's own boxes, clipped to the picture; otherwise a face gets
    the box of the detected face that `match_faces` finds for it, and the data set's own box where
    none was detected there.
    """
    width, height = size
    labelled = [face for face in sample.faces if face.label is not None]
    matches: Sequence[int | None] = (
        [None] * len(labelled)
        if boxes == "official"
        else match_faces(labelled, detected, width, height)
    )
    placed = tuple(
        _place(face, None if index is None else detected[index], size, boxes, bool(detected))
        for face, index in zip(labelled, matches, strict=True)
    )
    others = [face.box for row, face in enumerate(detected) if row not in matches]
    return PlacedFaces(placed, tuple(_ignored(sample.faces, others, placed, size)))


def place_faces_in_crops(
    samples: Sequence[Sample],
    images: Sequence[Pixels],
    detector: Callable[[], FaceDetector],
    boxes: BoxChoice,
) -> list[PlacedFaces]:
    """Place the face of each crop, in which the data set shows one face and nothing else.

    A crop is never without a face: its box is the whole picture where none is detected, or without
    a search where `boxes` is "whole".
    """
    if boxes == "whole":
        found = [_whole_picture(image, WHOLE_BY_RULE) for image in images]
    else:
        found = find_face_in_crops(detector(), images)
    placed = []
    for sample, crop in zip(samples, found, strict=True):
        others = [box for box in crop.others if not is_same_face(box, crop.box)]
        faces = [
            PlacedFace(label, crop.box, crop.source, crop.score, landmarks=crop.landmarks)
            for label in sample.labels
        ]
        for row in range(1, len(faces)):
            faces[row] = PlacedFace(faces[row].label, None, reason="a second face in one face crop")
        placed.append(PlacedFaces(tuple(faces), tuple(others)))
    return placed


def match_faces(
    labelled: Sequence[Face], detected: Sequence[DetectedFace], width: int, height: int
) -> list[int | None]:
    """For each labelled face the index of its detected face, None where none fits; one to one.

    A face with a box gets the detected face that overlaps it most, by MIN_IOU at least; the pair
    with the largest overlap of the picture first. A face with landmarks and no box gets the
    detected face that contains most of them, and more than half. The only labelled face, with
    neither, gets the largest face, the most central of equals: the highest score would more often
    be somebody else.

    width, height: of the picture, in pixels.
    """
    matches: list[int | None] = [None] * len(labelled)
    pairs = [
        (-overlap, row, column)
        for row, face in enumerate(labelled)
        if face.box is not None
        for column, found in enumerate(detected)
        if (overlap := face.box.iou(found.box)) >= MIN_IOU
    ]
    free = set(range(len(detected)))
    for _, row, column in sorted(pairs):
        if matches[row] is None and column in free:
            matches[row] = column
            free.remove(column)
    for row, face in enumerate(labelled):
        if face.box is not None or not free:
            continue
        if face.landmarks:
            index = _by_landmarks(detected, sorted(free), face)
        elif len(labelled) == 1:
            index = largest_face(detected, width, height)
        else:
            index = None
        if index is not None:
            matches[row] = index
            free.remove(index)
    return matches


def largest_face(detected: Sequence[DetectedFace], width: int, height: int) -> int | None:
    """Index of the largest face of a picture, the most central of equals; None without faces."""

    def rank(index: int) -> tuple[float, float]:
        box = detected[index].box
        return box.area, -math.dist(box.centre, (width / 2, height / 2))

    return max(range(len(detected)), key=rank, default=None)


def is_same_face(first: FaceBox, second: FaceBox) -> bool:
    """Whether two boxes are drawn around one face: each contains the other's centre.

    Boxes of one face differ in size between data sets, so their overlap is a weaker sign.
    """
    return first.contains(*second.centre) and second.contains(*first.centre)


@dataclass(frozen=True)
class CropFace:
    """The face of a crop, and how its box was found."""

    box: FaceBox
    """In pixels of the crop, inside it."""
    source: str
    """The attempt that found it: "mtcnn", "mtcnn_edge_padding", ..., or WHOLE_PICTURE."""
    score: float | None = None
    """Probability that the box holds a face, 0..1; None for the whole picture."""
    landmarks: tuple[Point, ...] = ()
    """In pixels of the crop; () for the whole picture."""
    others: tuple[FaceBox, ...] = ()
    """Further faces found in the crop by the same attempt."""


def find_face_in_crops(detector: FaceDetector, images: Sequence[Pixels]) -> list[CropFace]:
    """Find the one face of each crop; where every attempt fails, it is the whole picture.

    images: [H, W, 3] RGB. The detector gets the pictures as they are, then with their edge
    repeated around them, then on gray; each attempt only for those in which the one before found
    no face. On RAF-DB's kind of crop cut with 10 % margin that lifts the share found from 97.7 % to
    100 %, and 10 % too tight from 31 % to 90 %. Mirrored borders are not used: they turn halves
    into faces.
    """
    found: dict[int, CropFace] = {}
    for source, pad in _ATTEMPTS:
        rows = [row for row in range(len(images)) if row not in found]
        if not rows:
            break
        padded = [pad(images[row]) for row in rows]
        answers = detector.detect([picture for picture, _ in padded])
        for row, (_, border), faces in zip(rows, padded, answers, strict=True):
            face = _face_of_crop(faces, images[row], border, source)
            if face is not None:
                found[row] = face
    return [
        found.get(row) or _whole_picture(image, WHOLE_PICTURE) for row, image in enumerate(images)
    ]


def _place(
    face: Face,
    found: DetectedFace | None,
    size: tuple[int, int],
    boxes: BoxChoice,
    some_detected: bool,
) -> PlacedFace:
    assert face.label is not None
    if found is not None:
        return PlacedFace(face.label, found.box, MTCNN_BOX, found.score, landmarks=found.landmarks)
    own = None if face.box is None else face.box.clipped(*size)
    if own is not None:
        return PlacedFace(face.label, own, DATASET_BOX)
    if face.box is not None:
        reason = "the data set's box is outside the picture"
    elif boxes == "official":
        reason = "the data set gives no box"
    elif not some_detected:
        reason = "no face was found"
    elif face.landmarks:
        reason = "no face where the data set's points are"
    else:
        reason = "several labelled faces without a box"
    return PlacedFace(face.label, None, reason=reason)


def _ignored(
    faces: Sequence[Face],
    detected: Sequence[FaceBox],
    placed: Sequence[PlacedFace],
    size: tuple[int, int],
) -> list[FaceBox]:
    """The data set's faces without a label, then the detected faces that are nobody's yet."""
    labelled = [face.box for face in placed if face.box is not None]
    own = [
        box
        for face in faces
        if face.label is None and face.box is not None and (box := face.box.clipped(*size))
    ]
    known = [*labelled, *own]
    return own + [box for box in detected if not any(is_same_face(box, each) for each in known)]


def _by_landmarks(detected: Sequence[DetectedFace], free: Sequence[int], face: Face) -> int | None:
    held = {
        index: sum(detected[index].box.contains(x, y) for x, y in face.landmarks) for index in free
    }
    # Of equals the smallest: it fits the points closest.
    best = max(free, key=lambda index: (held[index], -detected[index].box.area))
    return best if 2 * held[best] > len(face.landmarks) else None


def _face_of_crop(
    faces: Sequence[DetectedFace], image: Pixels, border: int, source: str
) -> CropFace | None:
    """The largest face, back in pixels of the crop."""
    height, width = image.shape[:2]
    inside = [
        DetectedFace(box, face.score, tuple((x - border, y - border) for x, y in face.landmarks))
        for face in faces
        if (box := face.box.moved(-border, -border).clipped(width, height)) is not None
    ]
    chosen = largest_face(inside, width, height)
    if chosen is None:
        return None
    others = tuple(face.box for index, face in enumerate(inside) if index != chosen)
    found = inside[chosen]
    return CropFace(found.box, source, found.score, found.landmarks, others)


def _whole_picture(image: Pixels, source: str) -> CropFace:
    height, width = image.shape[:2]
    return CropFace(FaceBox(0.0, 0.0, float(width), float(height)), source)


def _as_it_is(image: Pixels) -> tuple[Pixels, int]:
    return image, 0


def _edge_padded(image: Pixels) -> tuple[Pixels, int]:
    border = round(EDGE_PADDING_SHARE * min(image.shape[:2]))
    return np.pad(image, ((border, border), (border, border), (0, 0)), mode="edge"), border


def _gray_padded(image: Pixels) -> tuple[Pixels, int]:
    border = round(GRAY_PADDING_SHARE * min(image.shape[:2]))
    around = ((border, border), (border, border), (0, 0))
    return np.pad(image, around, constant_values=_GRAY), border


_ATTEMPTS: tuple[tuple[str, Callable[[Pixels], tuple[Pixels, int]]], ...] = (
    (MTCNN_BOX, _as_it_is),
    ("mtcnn_edge_padding", _edge_padded),
    ("mtcnn_gray_padding", _gray_padded),
)
