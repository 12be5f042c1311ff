"""Which faces each composed picture gets; nothing is read or drawn here but annotations."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fer_det.core.box import FaceBox
from fer_det.errors import DatasetFormatError
from fer_det.imaging.jitter import jitter_generator
from fer_det.io.voc_annotation import VocAnnotation, VocObject

CROP_SHARE = 0.9
"""A box with at least this share of the picture's width and height is a face crop's."""
HAIR = 0.35
"""A face's surroundings, relative to the sides of its box, that no background may show."""
MIN_REGION = 40
"""Pixels; smallest side of a part of a picture that becomes a background."""
PHOTO_SHARE = 0.25
"""Most backgrounds that are from photos."""
REGION_USES = 2
"""How often the same part of a photo becomes a background, on average."""

NO_FACE = "composed"
"""The data set of a picture without a face of another."""

Edges = tuple[int, int, int, int]
"""Left, top, right and bottom of a part of a picture, in whole pixels."""


@dataclass(frozen=True)
class SourceFace:
    """A labelled face of a source folder."""

    folder: int
    """Index of the folder among --data."""
    image_id: str
    size: tuple[int, int]
    """Width and height of the picture."""
    face: VocObject
    """Its box is the face's, also where the annotation's box is the whole crop."""
    others: tuple[VocObject, ...]
    """The picture's other faces."""
    group: str | None
    """Person or film, unique over all folders."""
    clip: str | None = None
    """The video or sequence that it is from, unique over all folders."""
    dataset: str | None = None
    """Which data set it is from, where the folder's manifest says so."""
    database: str = ""
    """The same by its annotation."""


@dataclass(frozen=True)
class SourceRegion:
    """A part of a source picture without a face."""

    folder: int
    image_id: str
    size: tuple[int, int]
    """Width and height of the picture."""
    edges: Edges


@dataclass(frozen=True)
class PlannedPicture:
    """A composed picture."""

    image_id: str
    split: str
    faces: tuple[SourceFace, ...]
    region: SourceRegion | None
    """What becomes its background; None: a drawn scene."""
    original: bool = False
    """It is the picture of its one face, unchanged."""

    @property
    def dataset(self) -> str:
        """The data sets of its faces."""
        return " + ".join(sorted({face.dataset for face in self.faces if face.dataset})) or NO_FACE

    @property
    def database(self) -> str:
        """The same by their annotations."""
        return " + ".join(sorted({face.database for face in self.faces})) or NO_FACE


@dataclass(frozen=True)
class SourceSplit:
    """What a split offers."""

    faces: tuple[SourceFace, ...]
    regions: tuple[SourceRegion, ...]


def faces_of(
    annotation: VocAnnotation,
    folder: int,
    group: str | None,
    clip: str | None,
    dataset: str | None,
    crop_face: tuple[float, float, float, float],
) -> list[SourceFace]:
    """The labelled faces of a picture; crop_face: see ComposeConfig."""
    width, height = annotation.width, annotation.height
    placed = []
    for each in annotation.objects:
        box = each.box
        if box.width >= CROP_SHARE * width and box.height >= CROP_SHARE * height:
            left, top, right, bottom = crop_face
            box = FaceBox(left * width, top * height, right * width, bottom * height)
        placed.append(replace(each, box=box))
    return [
        SourceFace(
            folder,
            annotation.image_id,
            (width, height),
            face,
            tuple(other for other in placed if other is not face),
            group,
            clip,
            dataset,
            annotation.database,
        )
        for face in placed
        if not face.ignored
    ]


def region_of(annotation: VocAnnotation) -> Edges | None:
    """The largest part of a picture above, below, left or right of all its faces, None for none."""
    width, height = annotation.width, annotation.height
    boxes = np.array([each.box.as_tuple() for each in annotation.objects]).reshape(-1, 4)
    if not len(boxes):
        return None
    around = HAIR * (boxes[:, 2:] - boxes[:, :2])
    left, top = np.floor((boxes[:, :2] - around).min(0)).astype(int).tolist()
    right, bottom = np.ceil((boxes[:, 2:] + around).max(0)).astype(int).tolist()
    # Below a face is its body, which no other program would take for a face either.
    parts = [
        (0, 0, left, height),
        (right, 0, width, height),
        (0, 0, width, top),
        (0, bottom, width, height),
    ]
    large = [(a, b, c, d) for a, b, c, d in parts if min(c - a, d - b) >= MIN_REGION]
    return max(large, key=lambda part: (part[2] - part[0]) * (part[3] - part[1]), default=None)


def make_plan(
    splits: Mapping[str, SourceSplit],
    pictures: int,
    most_faces: int,
    empty: float,
    originals: float,
    balance: float,
    seed: int,
) -> list[PlannedPicture]:
    """Decide every picture; a pure function. The parameters are ComposeConfig's.

    Raises DatasetFormatError where a person, film or clip is in two splits, or where no training
    face is labelled.
    """
    _refuse_shared_groups(splits)
    train = len(splits["train"].faces) if "train" in splits else 0
    if not train:
        raise DatasetFormatError(
            "no training picture has a labelled face",
            "a training split with faces to compose",
            "check the image set train and its annotations",
        )
    planned = []
    for name, split in splits.items():
        is_train = name == "train"
        share = pictures * len(split.faces) / train
        count = pictures if is_train else math.ceil(share)
        order = _endless(split.faces, balance if is_train else 0.0, seed, name)
        for number in range(count):
            image_id = f"{name}_{number:06d}"
            generator = jitter_generator(seed, image_id, 0)
            empties, many, from_photo, pick, whole = generator.random(5).tolist()
            wanted = 0 if is_train and empties < empty else _face_count(many, most_faces)
            original = bool(wanted) and whole < originals
            photos = min(PHOTO_SHARE, REGION_USES * len(split.regions) / count)
            region = split.regions[int(pick * len(split.regions))] if from_photo < photos else None
            faces = tuple(next(order) for _ in range(1 if original else wanted))
            planned.append(PlannedPicture(image_id, name, faces, region, original))
    return planned


def _face_count(part: float, most: int) -> int:
    """The number of faces at that part, 0..1, of the distribution p(k) ~ 1 / k, 1 <= k <= most."""
    weights = 1 / np.arange(1, most + 1)
    return (
        int(
            np.searchsorted(np.cumsum(weights / weights.sum()), part, side="right").clip(
                max=most - 1
            )
        )
        + 1
    )


def _endless(
    faces: Sequence[SourceFace], balance: float, seed: int, split: str
) -> Iterator[SourceFace]:
    """Yield the faces in random order, pass after pass, rare classes several times in each.

    In each pass a face comes by its repeat factor, see fer_det.data.sampler.
    """
    counts = Counter(each.face.name for each in faces)
    largest = max(counts.values(), default=0)
    factors = np.array([(largest / counts[each.face.name]) ** balance for each in faces])
    number = 0
    while True:
        generator = jitter_generator(seed, f"order {split}", number)
        times = np.floor(factors + generator.random(len(faces))).astype(int)
        for index in generator.permutation(np.repeat(np.arange(len(faces)), times)).tolist():
            yield faces[index]
        number += 1


def _refuse_shared_groups(splits: Mapping[str, SourceSplit]) -> None:
    split_of: dict[tuple[str, str], str] = {}
    for name, split in splits.items():
        for each in split.faces:
            for kind, value in (("group", each.group), ("clip", each.clip)):
                if value is not None and split_of.setdefault((kind, value), name) != name:
                    raise DatasetFormatError(
                        f"{value} is in {split_of[kind, value]} and in {name}",
                        "each person, film and clip in one split",
                        "build the folder again with: fer-det build-voc",
                    )
