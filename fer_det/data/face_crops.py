"""The labelled faces of a VOC folder's split, cut out with a margin: what a classifier sees."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from fer_det.core.box import FaceBox
from fer_det.data.augment import Augmentation
from fer_det.data.framing import face_square, loosen
from fer_det.data.pictures import Draw
from fer_det.data.voc_dataset import FacePicture, VocDataset, load_picture
from fer_det.imaging.affine import turn_boxes
from fer_det.imaging.jitter import jitter_generator
from fer_det.imaging.letterbox import warp


@dataclass(frozen=True)
class FaceCrop:
    """One labelled face of a picture."""

    picture: FacePicture
    row: int
    """Which of the picture's faces."""

    @property
    def path(self) -> Path:
        """The picture's."""
        return self.picture.path

    @property
    def label(self) -> int:
        """1..C."""
        return int(self.picture.labels[self.row])

    @property
    def box(self) -> FaceBox:
        """In the picture's pixels."""
        return FaceBox(*self.picture.boxes[self.row].tolist())


class FaceCrops(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """Faces [3, size, size] uint8 and targets, decoded as they are asked for.

    The crop is a square, the face in its middle, and the target's box is the face's own: the margin
    is what the backbone sees around it. Faces of one picture follow each other.
    """

    def __init__(
        self, photos: VocDataset, margin: float, augmentation: Augmentation | None = None
    ) -> None:
        """photos: the split, whose own augmentation is not asked; margin: see ModelConfig."""
        self.photos = photos
        self.pictures = [
            FaceCrop(picture, row)
            for picture in photos.pictures
            for row in np.flatnonzero(picture.labels > 0).tolist()
        ]
        self._margin = margin
        self._augmentation = augmentation

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels 1, 2, ..."""
        return self.photos.classes

    def without_augmentation(self) -> FaceCrops:
        """The same faces as evaluation sees them."""
        plain = copy.copy(self)
        plain._augmentation = None
        return plain

    def hash(self) -> str:
        """sha256 over ids, labels and boxes, so that a run can tell whether its data changed."""
        return self.photos.hash()

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, draw: Draw) -> tuple[Tensor, dict[str, Tensor]]:
        """The face as [3, size, size] uint8 and its target in the crop's pixels.

        target: boxes [1, 4] float32, labels [1] int64, index [] and seed [] int64. In training the
        box is inexact, see LOOSENESS, and a face that has left the crop has neither box nor label.
        """
        crop, size = self.pictures[draw.index], self.photos.size
        pixels = load_picture(crop.picture)
        matrix = face_square(crop.box, self._margin, size)
        boxes: NDArray[np.floating] = np.array([crop.box.as_tuple()])
        labels = np.array([crop.label])
        if self._augmentation is None:
            boxes = turn_boxes(boxes, matrix)
        else:
            change = self._augmentation.draw(draw.seed, matrix, size)
            # The colour first: padding is no part of the picture.
            pixels, matrix = change.apply_colour(pixels), change.matrix
            boxes, labels = change.apply_boxes(boxes.astype(np.float32), labels, size)
            boxes = loosen(boxes, jitter_generator(draw.seed, "looseness", 0))
        pixels = warp(pixels, matrix, size, self.photos.padding)
        target = {
            "boxes": torch.from_numpy(boxes.clip(0, size).astype(np.float32)),
            "labels": torch.from_numpy(labels),
            "index": torch.tensor(draw.index),
            "seed": torch.tensor(draw.seed),
        }
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))), target
