"""The labelled faces of a VOC folder's split, cut out with a margin, for a classifier."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.data.augment import Augmentation, add_box_noise
from fer_det.data.loader import Entry
from fer_det.data.sampler import Draw
from fer_det.data.voc_dataset import (
    FacePicture,
    VocDataset,
    channels_first,
    load_picture,
    make_target,
)
from fer_det.imaging.jitter import jitter_generator
from fer_det.imaging.view import View


@dataclass(frozen=True)
class FaceCrop:
    """One labelled face of a picture."""

    picture: FacePicture
    row: int
    """Its index among the picture's faces."""

    @property
    def path(self) -> Path:
        """The picture's file."""
        return self.picture.path

    @property
    def label(self) -> int:
        """1..C."""
        return int(self.picture.labels[self.row])

    @property
    def label_probabilities(self) -> NDArray[np.float32]:
        """[C]."""
        row: NDArray[np.float32] = self.picture.label_probabilities[self.row]
        return row

    @property
    def box(self) -> FaceBox:
        """In the picture's pixels."""
        return FaceBox(*self.picture.boxes[self.row].tolist())


class FaceCrops:
    """Faces [3, size, size] uint8 and targets, decoded when they are asked for.

    The crop is a square with the face in its middle, and the target's box is the face's own: the
    margin shows the backbone what is around the face. Faces of one picture follow each other.
    """

    def __init__(
        self, photos: VocDataset, margin: float, augmentation: Augmentation | None = None
    ) -> None:
        """photos: the split, whose own augmentation is not used; margin: see View.face."""
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

    @property
    def size(self) -> int:
        """Side of the crops in pixels."""
        return self.photos.size

    def without_augmentation(self) -> FaceCrops:
        """Return the same faces as evaluation sees them."""
        plain = copy.copy(self)
        plain._augmentation = None
        return plain

    def hash(self) -> str:
        """Return the hash of the photos, to detect changed data."""
        return self.photos.hash()

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, draw: Draw) -> Entry:
        """Return the face [3, size, size] uint8 and its target in the crop's pixels.

        target: boxes [1, 4] float32, labels [1] int64, label_probabilities [1, C] float32, index []
        and seed [] int64. In training the box is noisy, see augment.BOX_NOISE, and a face that has
        left the crop has neither box nor label.
        """
        crop, size = self.pictures[draw.index], self.size
        pixels = load_picture(crop.picture)
        view = View.face(crop.box, self._margin, size)
        own = np.array([crop.box.as_tuple()], np.float32)
        if self._augmentation is None:
            boxes, kept = view.boxes_to_input(own), np.arange(1)
        else:
            change = self._augmentation.sample(draw.seed, view)
            view = change.view
            # The colour changes first, because padding is no part of the picture.
            pixels = change.apply_colour(pixels)
            boxes, kept = change.apply_boxes(own)
            noisy = add_box_noise(boxes, jitter_generator(draw.seed, "looseness", 0))
            boxes = noisy.astype(np.float32)
        target = make_target(
            draw,
            boxes.clip(0, size),
            np.array([crop.label])[kept],
            crop.label_probabilities[None][kept],
        )
        return channels_first(view.render(pixels, self.photos.padding)), target
