"""A VOC folder's split as pictures and targets for a detector."""

from __future__ import annotations

import copy
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.core.label import picture_class
from fer_det.data.augment import Augmentation
from fer_det.data.loader import Entry
from fer_det.data.sampler import Draw
from fer_det.errors import AnnotationError, DatasetFormatError, DatasetNotFoundError
from fer_det.imaging.decode import load_rgb8
from fer_det.imaging.view import View
from fer_det.io.voc import VocAnnotation, VocFolder, VocObject

IGNORED_LABEL = -1


@dataclass(frozen=True)
class FacePicture:
    """One picture of a split and its annotation."""

    image_id: str
    path: Path
    database: str
    """The data set that the picture is from."""
    width: int
    height: int
    boxes: NDArray[np.float32]
    """[N, 4] in the picture's pixels, labelled faces first."""
    labels: NDArray[np.int64]
    """[N], 1..C, or IGNORED_LABEL."""
    label_probabilities: NDArray[np.float32]
    """[N, C]: the share of each class in the annotators' votes, one-hot for a hard label, zeros for
    a face to ignore."""
    label: int
    """By which the sampler balances: the rarest of its classes, see core.label.picture_class; 0 for
    a picture without faces."""


class VocDataset:
    """Pictures [3, size, size] uint8 and targets of one split, decoded when they are asked for.

    All annotations are read and checked at once, so that a broken one stops the run before it
    starts. Raises DatasetNotFoundError, DatasetFormatError and AnnotationError.
    """

    def __init__(
        self,
        root: Path,
        split: str,
        size: int,
        padding: tuple[int, int, int],
        classes: Sequence[str] | None = None,
        augmentation: Augmentation | None = None,
    ) -> None:
        folder = VocFolder(root)
        self.root = root
        self.size = size
        self.padding = padding
        self._augmentation = augmentation
        with folder.name_importer():
            self.classes = tuple(classes) if classes is not None else folder.classes()
            self.pictures = _read_pictures(folder, split, self.classes)

    def without_augmentation(self) -> VocDataset:
        """Return the same split with its pictures as evaluation sees them."""
        plain = copy.copy(self)
        plain._augmentation = None
        return plain

    def hash(self) -> str:
        """Return a sha256 over ids, file sizes, labels and boxes, to detect changed data."""
        digest = hashlib.sha256()
        for picture in self.pictures:
            size = picture.path.stat().st_size
            digest.update(f"{picture.image_id} {size}".encode())
            digest.update(picture.labels.tobytes() + picture.boxes.tobytes())
            digest.update(picture.label_probabilities.tobytes())
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, draw: Draw) -> Entry:
        """Return the picture [3, size, size] uint8 and its target in that picture's pixels.

        target: boxes [N, 4] float32, labels [N] int64, label_probabilities [N, C] float32, index []
        and seed [] int64.
        """
        picture = self.pictures[draw.index]
        pixels = load_picture(picture)
        view = View.whole(pixels.shape[1], pixels.shape[0], self.size)
        if self._augmentation is None:
            boxes = view.boxes_to_input(picture.boxes)
            kept = np.arange(len(boxes))
            rendered = view.render(pixels, self.padding)
        else:
            change = self._augmentation.sample(draw.seed, view)
            boxes, kept = change.apply_boxes(picture.boxes)
            rendered = change.render(pixels, self.padding)
        target = make_target(draw, boxes, picture.labels[kept], picture.label_probabilities[kept])
        return channels_first(rendered), target


def make_target(
    draw: Draw,
    boxes: NDArray[np.float32],
    labels: NDArray[np.int64],
    label_probabilities: NDArray[np.float32],
) -> dict[str, NDArray[Any]]:
    """Return the arrays of one picture's target, see VocDataset."""
    return {
        "boxes": boxes,
        "labels": labels,
        "label_probabilities": label_probabilities,
        "index": np.array(draw.index, np.int64),
        "seed": np.array(draw.seed, np.int64),
    }


def channels_first(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[H, W, 3] -> [3, H, W], contiguous."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def load_picture(picture: FacePicture) -> NDArray[np.uint8]:
    """Decode a picture to [H, W, 3] RGB.

    Raises DatasetFormatError where its size is not the one in the annotation, and what `load_rgb8`
    raises.
    """
    pixels = load_rgb8(picture.path)
    height, width = pixels.shape[:2]
    if (width, height) != (picture.width, picture.height):
        raise DatasetFormatError(
            f"{picture.path} has {width} x {height} pixels",
            f"{picture.width} x {picture.height} as in its annotation",
            "build the VOC folder again",
        )
    return pixels


def _read_pictures(folder: VocFolder, split: str, classes: tuple[str, ...]) -> list[FacePicture]:
    annotations = [folder.read(image_id) for image_id in folder.image_ids(split)]
    counts = Counter(name for annotation in annotations for name in set(annotation.labels))
    pictures = [_picture(folder, annotation, classes, counts) for annotation in annotations]
    if not pictures:
        raise DatasetFormatError(
            f"the split {split} of {folder.root} is empty",
            "at least one picture",
            "build the folder again with more pictures or another split",
        )
    absent = [picture.path for picture in pictures if not picture.path.is_file()]
    if absent:
        raise DatasetNotFoundError(
            f"{len(absent)} of {len(pictures)} pictures of the split {split} are absent, "
            f"the first is {absent[0]}",
            "every picture of the image set",
            "complete the folder or build it again",
        )
    return pictures


def _picture(
    folder: VocFolder,
    annotation: VocAnnotation,
    classes: tuple[str, ...],
    counts: Mapping[str, int],
) -> FacePicture:
    """counts: class -> pictures of the split that show it."""
    image_id = annotation.image_id
    numbers = {name: number for number, name in enumerate(classes, start=1)}
    faces = sorted(annotation.objects, key=lambda face: face.ignored)
    for face in faces:
        if not face.ignored and face.name not in numbers:
            raise AnnotationError(
                f"{folder.annotation_path(image_id)} has the class {face.name!r}",
                f"one of {', '.join(classes)}",
                "use a VOC folder with the checkpoint's classes",
            )
    # An annotation without any object says that the picture shows no face.
    if faces and faces[0].ignored:
        raise AnnotationError(
            f"{folder.annotation_path(image_id)} has no labelled face",
            "at least one face with an expression, or no face at all",
            "remove the picture from the image set",
        )
    shown = picture_class(annotation.labels, counts, classes)
    return FacePicture(
        image_id=image_id,
        path=folder.image_path(image_id),
        database=annotation.database,
        width=annotation.width,
        height=annotation.height,
        boxes=np.array([face.box.as_tuple() for face in faces], np.float32).reshape(-1, 4),
        labels=np.array([numbers.get(face.name, IGNORED_LABEL) for face in faces], np.int64),
        label_probabilities=np.array(
            [_probabilities(face, numbers) for face in faces], np.float32
        ).reshape(-1, len(classes)),
        label=0 if shown is None else numbers[shown],
    )


def _probabilities(face: VocObject, numbers: Mapping[str, int]) -> NDArray[np.float32]:
    """[C]: the soft label, one-hot for a hard label, zeros for a face to ignore.

    The share of classes that are not among `numbers` is dropped and the rest scaled to a sum of 1.
    """
    row = np.zeros(len(numbers), np.float32)
    if face.ignored:
        return row
    shares = face.probabilities if face.probabilities is not None else {face.name: 1.0}
    for name, share in shares.items():
        if name in numbers:
            row[numbers[name] - 1] = share
    total: np.float32 = row.sum()
    return np.asarray(row / total, np.float32)
