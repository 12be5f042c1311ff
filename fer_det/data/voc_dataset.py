"""A VOC folder's split as pictures and targets for a detector."""

from __future__ import annotations

import copy
import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.core.picture import read_image_bytes
from fer_det.core.sample import Point
from fer_det.data.augment import Augmentation
from fer_det.data.loader import Entry
from fer_det.data.sampler import Draw
from fer_det.errors import AnnotationError, DatasetFormatError, DatasetNotFoundError
from fer_det.imaging.decode import decode_rgb8
from fer_det.imaging.jitter import jitter_generator
from fer_det.imaging.mask import draw_mask, landmarks_in_box, makes_face
from fer_det.imaging.view import View
from fer_det.io.voc import VocFolder
from fer_det.io.voc_columns import AnnotationColumns
from fer_det.io.voc_index import IndexedFiles, IndexedSplit, read_annotations
from fer_det.io.voc_shards import ShardedSplit, ShardMember

IGNORED_LABEL = -1
_UNKNOWN = 0


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
    landmarks: tuple[tuple[Point, ...], ...]
    """The detector's landmarks of each of the N faces, in the picture's pixels; () for none."""
    label: int
    """By which the sampler balances: the rarest of its classes, see core.label.picture_class; 0 for
    a picture without faces."""
    indexed: IndexedFiles | ShardMember | None = None
    """What the index that this was read from states of the files."""


class FacePictures(Sequence[FacePicture]):
    """The pictures of a split, made from arrays when they are asked for."""

    def __init__(
        self, folder: VocFolder, columns: AnnotationColumns, classes: Sequence[str]
    ) -> None:
        """Raises AnnotationError for an unknown class and for a picture without a labelled face."""
        self._folder, self._ids, self._sizes = folder, columns.ids, columns.sizes
        self._databases, self._database = columns.databases, columns.database
        self.indexed: IndexedSplit | ShardedSplit | None = None
        """The rows of the index that the columns are from."""
        numbers = {name: number for number, name in enumerate(classes, start=1)}
        of_name = [numbers.get(name, _UNKNOWN) for name in columns.names]
        ignored, picture = columns.ignored, columns.picture
        # Labelled faces first; the order is otherwise that of the annotation.
        order = np.lexsort((ignored, picture))
        labels = np.array(of_name, np.int64)[columns.name[order]]
        self._refuse_unusable(labels, columns, order, classes)
        labels[ignored[order]] = IGNORED_LABEL
        self.starts = columns.starts
        """[P + 1]: the faces of picture p are starts[p] to starts[p + 1] - 1."""
        self.face_labels = labels
        """[F], see FacePicture.labels."""
        self.boxes = columns.boxes[order].astype(np.float32)
        """[F, 4]."""
        self._landmarks, self._order = columns.landmarks, order
        self.shares = _shares(columns, numbers, labels, order)
        """[F, C], see FacePicture.label_probabilities."""
        self.labels = _picture_labels(labels, picture, len(columns), len(classes))
        """[P], see FacePicture.label."""

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, place: int) -> FacePicture: ...
    @overload
    def __getitem__(self, place: slice) -> list[FacePicture]: ...
    def __getitem__(self, place: int | slice) -> FacePicture | list[FacePicture]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        place = range(len(self))[place]
        faces = slice(int(self.starts[place]), int(self.starts[place + 1]))
        image_id = self.image_id(place)
        return FacePicture(
            image_id=image_id,
            path=self._folder.image_path(image_id),
            database=self._databases[self._database[place]],
            width=int(self._sizes[place, 0]),
            height=int(self._sizes[place, 1]),
            boxes=self.boxes[faces],
            labels=self.face_labels[faces],
            label_probabilities=self.shares[faces],
            landmarks=tuple(self._landmarks.of(face) for face in self._order[faces].tolist()),
            label=int(self.labels[place]),
            indexed=None if self.indexed is None else self.indexed.files(place),
        )

    def image_id(self, place: int) -> str:
        """The id of a picture."""
        name: bytes = self._ids[place]
        return name.decode()

    def database_names(self) -> list[str]:
        """Names of the data sets that the pictures are from, sorted."""
        named = [self._databases[each] for each in np.unique(self._database).tolist()]
        # A composed picture names those of all its faces.
        return sorted({name for each in named for name in each.split(" + ")})

    def file_sizes(self) -> NDArray[np.int64]:
        """[P], bytes; -1 where there is no file."""
        if self.indexed is not None:
            return self.indexed.picture_bytes
        folder = self._folder.root / "JPEGImages"
        return np.array([_file_size(f"{folder}/{name.decode()}.jpg") for name in self._ids])

    def _refuse_unusable(
        self,
        labels: NDArray[np.int64],
        columns: AnnotationColumns,
        order: NDArray[np.int64],
        classes: Sequence[str],
    ) -> None:
        """Raise AnnotationError for the first picture that cannot be used."""
        ignored, picture = columns.ignored[order], columns.picture
        unknown = np.flatnonzero((labels == _UNKNOWN) & ~ignored)
        labelled = np.bincount(picture[~ignored], minlength=len(self))
        # An annotation without any object says that the picture shows no face.
        without = np.flatnonzero((labelled == 0) & (np.diff(columns.starts) > 0))
        first_unknown = int(picture[unknown[0]]) if len(unknown) else len(self)
        first_without = int(without[0]) if len(without) else len(self)
        if first_unknown == first_without:
            return
        path = self._folder.annotation_path(self.image_id(min(first_unknown, first_without)))
        if first_unknown < first_without:
            raise AnnotationError(
                f"{path} has the class {columns.names[columns.name[order[unknown[0]]]]!r}",
                f"one of {', '.join(classes)}",
                "use a VOC folder with the checkpoint's classes",
            )
        raise AnnotationError(
            f"{path} has no labelled face",
            "at least one face with an expression, or no face at all",
            "remove the picture from the image set",
        )


class VocDataset:
    """Pictures [3, size, size] uint8 and targets of splits, decoded when they are asked for.

    All annotations are read and checked at once, so that a broken one stops the run before it
    starts; where the folder has an index, see io.voc_index, they are read from it. The folder may
    be one of shards, see io.voc_shards. Raises
    DatasetNotFoundError, DatasetFormatError and AnnotationError.
    """

    def __init__(
        self,
        root: Path,
        split: str | Sequence[str],
        size: int,
        padding: tuple[int, int, int],
        classes: Sequence[str] | None = None,
        augmentation: Augmentation | None = None,
    ) -> None:
        folder = VocFolder(root, sharded=True)
        self.root = root
        self.size = size
        self.padding = padding
        self._augmentation = augmentation
        self.masked = False
        with folder.name_importer():
            self.classes = tuple(classes) if classes is not None else folder.classes()
            self.pictures = _read_pictures(folder, split, self.classes)

    @property
    def databases(self) -> list[str]:
        """Names of the data sets that the pictures are from, sorted."""
        return self.pictures.database_names()

    @property
    def labels(self) -> NDArray[np.int64]:
        """[N], the label of each picture."""
        return self.pictures.labels

    def without_augmentation(self) -> VocDataset:
        """Return the same split with its pictures as evaluation sees them."""
        plain = copy.copy(self)
        plain._augmentation = None
        return plain

    def with_masks(self) -> VocDataset:
        """Return the same split, in which all labelled faces wear masks, as evaluation sees it."""
        masked = self.without_augmentation()
        masked.masked = True
        return masked

    def hash(self) -> str:
        """Return a sha256 over ids, file sizes, labels and boxes, to detect changed data."""
        digest = hashlib.sha256()
        pictures = self.pictures
        for place, size in enumerate(pictures.file_sizes().tolist()):
            faces = slice(pictures.starts[place], pictures.starts[place + 1])
            digest.update(f"{pictures.image_id(place)} {size}".encode())
            digest.update(pictures.face_labels[faces].data)
            digest.update(pictures.boxes[faces].data)
            digest.update(pictures.shares[faces].data)
        return digest.hexdigest()

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, draw: Draw) -> Entry:
        """Return the picture [3, size, size] uint8 and its target in that picture's pixels.

        target: boxes [N, 4] float32, labels [N] int64, label_probabilities [N, C] float32, index []
        and seed [] int64.
        """
        picture = self.pictures[draw.index]
        probability = mask_probability(self.masked, self._augmentation)
        pixels = draw_masks(load_picture(picture), picture, probability, draw.seed)
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


def mask_probability(masked: bool, augmentation: Augmentation | None) -> float:
    """Return with which probability a face wears a mask."""
    return 1.0 if masked else augmentation.config.mask if augmentation is not None else 0.0


def draw_masks(
    pixels: NDArray[np.uint8], picture: FacePicture, probability: float, seed: int
) -> NDArray[np.uint8]:
    """Draw a mask over each labelled face of [H, W, 3] with that probability.

    Faces without landmarks get it where a frontal face has them. The mask depends on the
    picture's id, the face and the seed only.
    """
    if probability == 0:
        return pixels
    for row in np.flatnonzero(picture.labels > 0).tolist():
        generator = jitter_generator(seed, f"mask {picture.image_id}", row)
        if generator.random() < probability:
            landmarks = np.array(picture.landmarks[row], np.float32)
            if not makes_face(landmarks):
                landmarks = landmarks_in_box(FaceBox(*picture.boxes[row].tolist()))
            pixels = draw_mask(pixels, landmarks, generator)
    return pixels


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

    Raises DatasetFormatError where its size is not the one in the annotation or its files have
    changed since the index was made, and what `load_rgb8` raises.
    """
    indexed = picture.indexed
    data = read_image_bytes(picture.path) if indexed is None else indexed.read()
    pixels = decode_rgb8(data, str(picture.path)).pixels
    height, width = pixels.shape[:2]
    if (width, height) != (picture.width, picture.height):
        raise DatasetFormatError(
            f"{picture.path} has {width} x {height} pixels",
            f"{picture.width} x {picture.height} as in its annotation",
            "build the VOC folder again",
        )
    return pixels


def _read_pictures(
    folder: VocFolder, split: str | Sequence[str], classes: tuple[str, ...]
) -> FacePictures:
    if isinstance(split, str):
        ids = folder.image_ids(split)
    else:
        ids = list(dict.fromkeys(name for each in split for name in folder.image_ids(each)))
        split = ", ".join(split)
    columns, indexed = read_annotations(folder, ids)
    pictures = FacePictures(folder, columns, classes)
    if not len(pictures):
        raise DatasetFormatError(
            f"the split {split} of {folder.root} is empty",
            "at least one picture",
            "build the folder again with more pictures or another split",
        )
    pictures.indexed = indexed
    absent = np.flatnonzero(pictures.file_sizes() < 0)
    if len(absent):
        raise DatasetNotFoundError(
            f"{len(absent)} of {len(pictures)} pictures of the split {split} are absent, "
            f"the first is {pictures[int(absent[0])].path}",
            "every picture of the image set",
            "complete the folder or build it again",
        )
    return pictures


def _file_size(path: str) -> int:
    try:
        found = os.stat(path)  # noqa: PTH116  (a million times, where Path takes twice as long)
    except (FileNotFoundError, NotADirectoryError):
        return -1
    return found.st_size if stat.S_ISREG(found.st_mode) else -1


def _picture_labels(
    labels: NDArray[np.int64], picture: NDArray[np.int64], pictures: int, classes: int
) -> NDArray[np.int64]:
    """[P]: each picture's class by core.label.picture_class, 0 for one without labelled faces.

    labels [F] and picture [F].
    """
    labelled = labels > 0
    shown = np.zeros((pictures, classes + 1), bool)
    shown[picture[labelled], labels[labelled]] = True
    # By the number of pictures that show a class, then by its place in the label map.
    by_rarity = 1 + np.argsort(shown.sum(0)[1:], kind="stable")
    rarest = by_rarity[shown[:, by_rarity].argmax(1)]
    return np.where(shown.any(1), rarest, 0).astype(np.int64)


def _shares(
    columns: AnnotationColumns,
    numbers: dict[str, int],
    labels: NDArray[np.int64],
    order: NDArray[np.int64],
) -> NDArray[np.float32]:
    """[F, C]: the soft label, one-hot for a hard label, zeros for a face to ignore.

    The share of classes that are not among `numbers` is dropped and the rest scaled to a sum of 1.
    """
    shares = np.zeros((len(labels), len(numbers)), np.float32)
    soft: NDArray[np.bool_] = np.any(columns.votes, axis=1)[order] & (labels > 0)
    for name, column in zip(columns.voted, columns.votes.T, strict=True):
        if name in numbers:
            shares[soft, numbers[name] - 1] = column[order[soft]]
    shares[soft] /= shares[soft].sum(1, keepdims=True)
    hard = np.flatnonzero(~soft & (labels > 0))
    shares[hard, labels[hard] - 1] = 1
    return shares
