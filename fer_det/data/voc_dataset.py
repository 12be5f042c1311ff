"""A VOC folder's split as pictures and targets, ready for the detector."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from fer_det.data.augment import Augmentation
from fer_det.data.pictures import Draw
from fer_det.errors import AnnotationError, DatasetFormatError
from fer_det.imaging.decode import load_rgb8
from fer_det.imaging.letterbox import Letterbox, warp
from fer_det.io.voc import VocAnnotation, VocFolder

IGNORED_LABEL = -1


@dataclass(frozen=True)
class FacePicture:
    """One entry of a split as its annotation tells it."""

    image_id: str
    path: Path
    database: str
    """The data set that the picture is from."""
    width: int
    height: int
    boxes: NDArray[np.float32]
    """[N, 4], labelled faces first."""
    labels: NDArray[np.int64]
    """[N], 1..C, or IGNORED_LABEL."""

    @property
    def label(self) -> int:
        """The first labelled face's."""
        return int(self.labels[0])


class VocDataset(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """Pictures [3, size, size] uint8 and targets of one split, decoded as they are asked for.

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
        self.classes = tuple(classes) if classes is not None else folder.classes()
        self.size = size
        self.padding = padding
        self._augmentation = augmentation
        self.pictures = [_picture(folder, name, self.classes) for name in folder.image_ids(split)]
        if not self.pictures:
            raise DatasetFormatError(
                f"the split {split} of {folder.root} is empty",
                "at least one picture",
                "build the folder anew with more pictures or another split",
            )

    def without_augmentation(self) -> VocDataset:
        """The same split with its pictures as evaluation sees them."""
        plain = copy.copy(self)
        plain._augmentation = None
        return plain

    def hash(self) -> str:
        """sha256 over ids, labels and boxes, so that a run can tell whether its data changed."""
        digest = hashlib.sha256()
        for picture in self.pictures:
            digest.update(picture.image_id.encode())
            digest.update(picture.labels.tobytes() + picture.boxes.tobytes())
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, draw: Draw) -> tuple[Tensor, dict[str, Tensor]]:
        """The picture as [3, size, size] uint8 and its target in that picture's pixels.

        target: boxes [N, 4] float32, labels [N] int64, index [] and seed [] int64.
        """
        picture = self.pictures[draw.index]
        pixels = load_picture(picture)
        height, width = pixels.shape[:2]
        matrix = Letterbox(width, height, self.size).matrix()
        boxes, labels = picture.boxes, picture.labels
        if self._augmentation is None:
            pixels = warp(pixels, matrix, self.size, self.padding)
            boxes = boxes * np.float32(matrix[0, 0])
        else:
            change = self._augmentation.draw(draw.seed, matrix, self.size)
            # The colour first: padding is no part of the picture.
            pixels = warp(change.apply_colour(pixels), change.matrix, self.size, self.padding)
            boxes, labels = change.apply_boxes(boxes, labels, self.size)
        target = {
            "boxes": torch.from_numpy(boxes),
            "labels": torch.from_numpy(labels),
            "index": torch.tensor(draw.index),
            "seed": torch.tensor(draw.seed),
        }
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))), target


def load_picture(picture: FacePicture) -> NDArray[np.uint8]:
    """Decode a picture -> [H, W, 3] RGB; DatasetFormatError for another size than annotated."""
    pixels = load_rgb8(picture.path)
    height, width = pixels.shape[:2]
    if (width, height) != (picture.width, picture.height):
        raise DatasetFormatError(
            f"{picture.path} has {width} x {height} pixels",
            f"{picture.width} x {picture.height} as its annotation says",
            "build the VOC folder anew",
        )
    return pixels


def _picture(folder: VocFolder, image_id: str, classes: tuple[str, ...]) -> FacePicture:
    annotation = folder.read(image_id)
    numbers = {name: number for number, name in enumerate(classes, start=1)}
    faces = sorted(annotation.objects, key=lambda face: face.ignored)
    for face in faces:
        if not face.ignored and face.name not in numbers:
            raise AnnotationError(
                f"{folder.annotation_path(image_id)} names {face.name!r}",
                f"one of {', '.join(classes)}",
                "use a VOC folder with the classes that the checkpoint knows",
            )
    if not faces or faces[0].ignored:
        raise _without_label(folder, annotation)
    return FacePicture(
        image_id=image_id,
        path=folder.image_path(image_id),
        database=annotation.database,
        width=annotation.width,
        height=annotation.height,
        boxes=np.array([face.box.as_tuple() for face in faces], np.float32),
        labels=np.array([numbers.get(face.name, IGNORED_LABEL) for face in faces], np.int64),
    )


def _without_label(folder: VocFolder, annotation: VocAnnotation) -> AnnotationError:
    return AnnotationError(
        f"{folder.annotation_path(annotation.image_id)} has no labelled face",
        "at least one face with an expression",
        "leave the picture out of the image set",
    )
