"""Which copies of which training pictures a balanced VOC folder holds; nothing is written here.

The class of a picture with several labelled faces is that of fer_det.core.label.picture_class. A
picture without a labelled face has no class and is never copied.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fer_det.core.box import MIN_VISIBLE_PART, FaceBox
from fer_det.core.label import picture_class
from fer_det.errors import DatasetFormatError
from fer_det.imaging.affine import rotation_matrix, turn_box
from fer_det.imaging.jitter import JitterDraw, JitterRanges, draw_jitter, jitter_generator
from fer_det.io.voc import VocFolder
from fer_det.io.voc_annotation import VocAnnotation, VocObject
from fer_det.io.voc_index import read_annotations
from voc_builder.balance.config import Target


@dataclass(frozen=True)
class SourcePicture:
    """A picture of the folder to balance."""

    split: str
    annotation: VocAnnotation
    label: str | None
    """Its class, None where no face is labelled."""

    @property
    def image_id(self) -> str:
        """Its id, which its original keeps in the balanced folder."""
        return self.annotation.image_id


@dataclass(frozen=True)
class PlannedPicture:
    """A picture of the balanced folder."""

    image_id: str
    source_id: str
    copy: int
    """0 for the original, 1, 2, ... for its jittered copies."""
    split: str
    label: str | None
    draw: JitterDraw | None
    """None for the original."""


@dataclass(frozen=True)
class ClassCount:
    """How many training pictures a class has."""

    label: str
    before: int
    after: int


@dataclass(frozen=True)
class BalancePlan:
    """All pictures of the balanced folder, each original followed by its copies."""

    pictures: tuple[PlannedPicture, ...]
    counts: tuple[ClassCount, ...]
    """One for each class of the label map, in its order."""
    unlabelled: int
    """Training pictures without a labelled face."""


def read_source(folder: VocFolder) -> list[SourcePicture]:
    """Read all annotations of train, val and test, in the order of their lists.

    Raises DatasetNotFoundError without a train list and DatasetFormatError for a picture listed
    twice, one that only trainval lists, or a face whose name is no class.
    """
    classes = folder.classes()
    splits = [split for split in ("train", "val", "test") if split in folder.splits()]
    splits = splits if "train" in splits else ["train", *splits]
    listed = [(split, image_id) for split in splits for image_id in folder.image_ids(split)]
    _refuse_inconsistent_lists(folder, listed)
    # Every file is read later anyway, so each is looked at first.
    columns, _ = read_annotations(folder, [image_id for _, image_id in listed], thorough=True)
    annotations = list(columns)
    for annotation in annotations:
        _refuse_unknown_names(annotation, classes, folder)
    shown = Counter(
        label
        for (split, _), annotation in zip(listed, annotations, strict=True)
        if split == "train"
        for label in set(annotation.labels)
    )
    return [
        SourcePicture(split, annotation, picture_class(annotation.labels, shown, classes))
        for (split, _), annotation in zip(listed, annotations, strict=True)
    ]


def make_plan(
    pictures: Sequence[SourcePicture],
    classes: Sequence[str],
    target: Target,
    ranges: JitterRanges,
    seed: int,
) -> BalancePlan:
    """Decide every picture of the balanced folder; a pure function.

    Copies are spread over the sources of their class, so that the numbers for two sources differ by
    one at most. Raises DatasetFormatError where no training picture carries a label, or where the
    id of a copy is taken.
    """
    train = [picture for picture in pictures if picture.split == "train"]
    before = Counter(picture.label for picture in train if picture.label is not None)
    goal = target_count(target, before)
    copies: dict[str, int] = {}
    for label in classes:
        sources = [picture.image_id for picture in train if picture.label == label]
        copies |= spread_copies(sources, max(0, goal - len(sources)), seed, label)
    planned: list[PlannedPicture] = []
    for picture in pictures:
        planned.append(_plan_one(picture, 0, None))
        for copy in range(1, copies.get(picture.image_id, 0) + 1):
            draw = draw_jitter(ranges, jitter_generator(seed, picture.image_id, copy))
            planned.append(_plan_one(picture, copy, _without_loss(picture.annotation, draw)))
    _refuse_taken_ids(planned)
    after = Counter(item.label for item in planned if item.split == "train")
    return BalancePlan(
        pictures=tuple(planned),
        counts=tuple(ClassCount(label, before[label], after[label]) for label in classes),
        unlabelled=sum(picture.label is None for picture in train),
    )


def target_count(target: Target, counts: Mapping[str, int]) -> int:
    """How many training pictures each class should reach; classes without any do not count.

    Raises DatasetFormatError where there is no labelled training picture.
    """
    present = [count for count in counts.values() if count]
    if not present:
        raise DatasetFormatError(
            "no training picture has a labelled face",
            "a training split with expressions to balance",
            "check the image set train and its annotations",
        )
    if target == "largest":
        return max(present)
    if target == "median":
        return math.ceil(statistics.median(present))
    return target


def spread_copies(sources: Sequence[str], copies: int, seed: int, label: str) -> dict[str, int]:
    """How many copies of each source make `copies` together; any two differ by one at most.

    Which sources get one more is random, independent of the list's order and of `copies`: a larger
    target adds to a smaller one's pictures.
    """
    if not sources:
        return {}
    each, left = divmod(copies, len(sources))
    order = jitter_generator(seed, f"class {label}", 0).permutation(len(sources)).tolist()
    extra = set(order[:left])
    return {source: each + (place in extra) for place, source in enumerate(sources)}


def turn_objects(annotation: VocAnnotation, degrees: float) -> tuple[VocObject, ...]:
    """The faces of a picture turned about its centre, clipped to it; those outside are dropped."""
    matrix = rotation_matrix(degrees, annotation.width, annotation.height)
    turned = []
    for face in annotation.objects:
        box = turn_box(face.box, matrix).clipped(annotation.width, annotation.height)
        if box is not None:
            points = np.array(face.landmarks).reshape(-1, 2) @ matrix[:, :2].T + matrix[:, 2]
            landmarks = tuple((float(x), float(y)) for x, y in points)
            turned.append(replace(face, box=box, landmarks=landmarks))
    return tuple(turned)


def _plan_one(picture: SourcePicture, copy: int, draw: JitterDraw | None) -> PlannedPicture:
    image_id = f"{picture.image_id}_j{copy:03d}" if copy else picture.image_id
    return PlannedPicture(image_id, picture.image_id, copy, picture.split, picture.label, draw)


def _without_loss(annotation: VocAnnotation, draw: JitterDraw) -> JitterDraw:
    """The draw, without its turn where that would take a labelled face out of the picture.

    The limit is the loader's: MIN_VISIBLE_PART of the turned box.
    """
    width, height = annotation.width, annotation.height
    matrix = rotation_matrix(draw.degrees, width, height)
    labelled = [face.box for face in annotation.objects if not face.ignored]

    def stays(box: FaceBox) -> bool:
        return turn_box(box, matrix).visible_part(width, height) > MIN_VISIBLE_PART

    return draw if all(map(stays, labelled)) else replace(draw, degrees=0.0)


def _refuse_inconsistent_lists(folder: VocFolder, listed: Sequence[tuple[str, str]]) -> None:
    split_of: dict[str, str] = {}
    remedy = "build the folder again with: fer-det build-voc"
    for split, image_id in listed:
        if image_id in split_of:
            raise DatasetFormatError(
                f"{image_id} is listed in {split_of[image_id]} and again in {split}",
                "each picture once, in one split",
                remedy,
            )
        split_of[image_id] = split
    if "trainval" in folder.splits():
        parts = {image_id for image_id, split in split_of.items() if split in ("train", "val")}
        stray = sorted(set(folder.image_ids("trainval")) - parts)
        if stray:
            raise DatasetFormatError(
                f"{stray[0]} is listed in trainval and neither in train nor in val",
                "trainval to be train and val together",
                remedy,
            )


def _refuse_unknown_names(
    annotation: VocAnnotation, classes: Sequence[str], folder: VocFolder
) -> None:
    unknown = sorted(set(annotation.labels) - set(classes))
    if unknown:
        raise DatasetFormatError(
            f"{folder.annotation_path(annotation.image_id)} has a face named {unknown[0]!r}",
            f"a class of {folder.label_map_path.name}: {', '.join(classes)}",
            "correct the annotation or the label map",
        )


def _refuse_taken_ids(planned: Sequence[PlannedPicture]) -> None:
    times = Counter(picture.image_id for picture in planned)
    taken = [image_id for image_id, count in times.items() if count > 1]
    if taken:
        raise DatasetFormatError(
            f"a picture is named {taken[0]}, as a copy would be",
            "a folder whose pictures have not been copied",
            "rename it, or give --data the folder that was not balanced",
        )
