"""The labelled faces of a VOC folder's split, cut out with a margin, for a classifier."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.data.augment import Augmentation, add_box_noise
from fer_det.data.label_targets import LabelTargets
from fer_det.data.loader import Entry
from fer_det.data.sampler import Draw, draw_seed
from fer_det.data.voc_dataset import (
    FacePicture,
    FacePictures,
    VocDataset,
    channels_first,
    draw_masks,
    load_picture,
    make_target,
    mask_probability,
)
from fer_det.imaging.affine import Matrix
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


class FaceCropList(Sequence[FaceCrop]):
    """The labelled faces of a split, picture by picture."""

    def __init__(self, pictures: FacePictures) -> None:
        self._pictures = pictures
        self._faces = np.flatnonzero(pictures.face_labels > 0)
        self.labels = pictures.face_labels[self._faces]
        """[crops], 1..C."""

    def __len__(self) -> int:
        return len(self._faces)

    @overload
    def __getitem__(self, place: int) -> FaceCrop: ...
    @overload
    def __getitem__(self, place: slice) -> list[FaceCrop]: ...
    def __getitem__(self, place: int | slice) -> FaceCrop | list[FaceCrop]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        face = int(self._faces[place])
        picture = int(np.searchsorted(self._pictures.starts, face, side="right")) - 1
        return FaceCrop(self._pictures[picture], face - int(self._pictures.starts[picture]))


class FaceCrops:
    """Faces [3, size, size] uint8 and targets, decoded when they are asked for.

    The crop is a square with the face in its middle, and the target's box is the face's own: the
    margin shows the backbone what is around the face. Faces of one picture follow each other.
    """

    def __init__(
        self,
        photos: VocDataset,
        margin: float,
        augmentation: Augmentation | None = None,
        targets: LabelTargets | None = None,
    ) -> None:
        """photos: the split, whose own augmentation is not used; margin: see View.face.

        targets: how labels become targets; the votes' shares by default.
        """
        self.photos = photos
        self.pictures = FaceCropList(photos.pictures)
        self._margin = margin
        self._augmentation = augmentation
        self._targets = targets or LabelTargets()
        self._change: Matrix | None = None
        self._face_size: int | None = None

    @property
    def labels(self) -> NDArray[np.int64]:
        """[N], the label of each face."""
        return self.pictures.labels

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
        plain._targets = LabelTargets()
        return plain

    def seen_through(self, change: Matrix, face_size: int | None = None) -> FaceCrops:
        """Return the faces as evaluation sees them after an affine change [2, 3] of the crop.

        face_size: pixels of the face's longer side that larger faces are shrunk to first.
        """
        seen = self.without_augmentation()
        seen._change, seen._face_size = change, face_size
        return seen

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
        crop = self.pictures[draw.index]
        pixels, boxes, kept = self._cut(crop, draw.seed)
        shares = self._targets.apply(crop.label_probabilities, crop.label, draw.seed)
        partner = self._targets.partner(len(self), draw.seed)
        if partner is not None:
            index, share = partner
            other, seed = self.pictures[index], draw_seed(draw.seed, index, 0)
            pixels = blend(pixels, self._cut(other, seed)[0], share)
            others = self._targets.apply(other.label_probabilities, other.label, seed)
            shares = np.asarray(share * shares + (1 - share) * others, np.float32)
        target = make_target(
            draw, boxes.clip(0, self.size), np.array([crop.label])[kept], shares[None][kept]
        )
        return channels_first(pixels), target

    def _cut(
        self, crop: FaceCrop, seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int64]]:
        """Return the crop [size, size, 3], its box [1 or 0, 4] and the rows of it that are left."""
        probability = mask_probability(self.photos.masked, self._augmentation)
        pixels = draw_masks(load_picture(crop.picture), crop.picture, probability, seed)
        view = self._view(crop, pixels)
        if self._change is not None:
            view = view.then(self._change)
        own = np.array([crop.box.as_tuple()], np.float32)
        if self._augmentation is None:
            boxes = view.boxes_to_input(own).clip(0, self.size)
            longest = max(crop.box.width, crop.box.height)
            scale = np.sqrt(abs(np.linalg.det(view.matrix[:, :2])))
            shrink = 1.0
            if self._face_size is not None and longest > self._face_size:
                # The input shows the face with scale * longest pixels, which are to hold only
                # as much as face_size of them.
                shrink = scale * longest / self._face_size
            return view.render(pixels, self.photos.padding, shrink), boxes, np.arange(1)
        change = self._augmentation.sample(seed, view)
        boxes, kept = change.apply_boxes(own)
        noisy = add_box_noise(boxes, jitter_generator(seed, "looseness", 0))
        return change.render(pixels, self.photos.padding), noisy.astype(np.float32), kept

    def _view(self, crop: FaceCrop, pixels: NDArray[np.uint8]) -> View:  # noqa: ARG002
        """Return where the face is cut out of the picture's pixels [H, W, 3]."""
        return View.face(crop.box, self._margin, self.size)


def blend(first: NDArray[np.uint8], second: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """share * first + (1 - share) * second, [H, W, 3] each."""
    mixed = share * first.astype(np.float32) + (1 - share) * second.astype(np.float32)
    return np.rint(mixed).astype(np.uint8)
