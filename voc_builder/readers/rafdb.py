"""RAF-DB "basic": 15,339 photos with one of seven expressions each.

Li, Deng and Du, "Reliable crowdsourcing and deep locality-preserving learning for expression
recognition in the wild", CVPR 2017; labels and folders as in the data set's own read-me:

    basic/EmoLabel/list_patition_label.txt                  (sic) "train_00001.jpg 5"
    basic/Image/original/train_00001.jpg                    photos, several faces possible
    basic/Image/aligned/train_00001_aligned.jpg             the labelled face, 100 x 100
    basic/Annotation/boundingbox/train_00001_boundingbox.txt    x_min y_min x_max y_max
    basic/Annotation/manual/train_00001_manu_attri.txt      five points, gender, race, age

The copy on Kaggle has the aligned pictures only, in DATASET/{train,test}/{1..7}, with the lists
train_labels.csv and test_labels.csv.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.sample import Point, Sample, Split
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.listing import (
    REMEDY,
    Row,
    check_name,
    find_folder,
    read_rows,
    refuse_duplicates,
    require_folder,
)

TITLE = "RAF-DB"

EXPRESSIONS: Mapping[int, Expression] = {
    1: Expression.SURPRISE,
    2: Expression.FEAR,
    3: Expression.DISGUST,
    4: Expression.HAPPINESS,
    5: Expression.SADNESS,
    6: Expression.ANGER,
    7: Expression.NEUTRAL,
}
"""The codes of list_patition_label.txt."""

GENDERS = ("male", "female", "unsure")
RACES = ("Caucasian", "African-American", "Asian")
AGES = ("0-3", "4-19", "20-39", "40-69", "70+")

_LISTS = ("list_patition_label.txt", "list_partition_label.txt")
_LAYOUT = "RAF-DB's basic/{EmoLabel,Image} or Kaggle's DATASET/{train,test}/{1..7}"
_NAME = re.compile(r"((train|test)_\d+)\.jpg")
_ALIGNED_NAME = re.compile(r"((train|test)_\d+)_aligned\.jpg")
_SPLITS: tuple[Split, ...] = ("train", "test")
_LANDMARK_COUNT = 5


@dataclass(frozen=True)
class Options:
    """How to read RAF-DB."""

    images: Literal["auto", "original", "aligned"] = "auto"
    """Which pictures: original photos, aligned crops, or (auto) photos if they are there."""


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the pictures of RAF-DB's list in its order.

    root: the folder that holds basic/, or basic/ itself; for the Kaggle form the folder that holds
    DATASET/, or DATASET/ itself. Raises DatasetNotFoundError for a missing list or folder and
    DatasetFormatError for a line or an annotation that says something else than it should.
    """
    require_folder(root, _LAYOUT)
    for base in (root / "basic", root):
        if (base / "EmoLabel").is_dir() or (base / "Image").is_dir():
            yield from _read_basic(base, options)
            return
    for base in (root / "DATASET", root):
        if any((base / split).is_dir() for split in _SPLITS):
            yield from _read_kaggle(base, options)
            return
    raise DatasetNotFoundError(
        f"{root} is not laid out as RAF-DB", _LAYOUT, "check the path that was given"
    )


def _read_basic(base: Path, options: Options) -> Iterator[Sample]:
    rows = _read_list(base / "EmoLabel")
    folder = _image_folder(base / "Image", options.images)
    aligned = folder.name == "aligned"
    boxes = [base / "Annotation" / "boundingbox", base / "Image" / "boundingbox"]
    for stem, expression in rows:
        landmarks, attributes = _read_manual(
            base / "Annotation" / "manual" / f"{stem}_manu_attri.txt"
        )
        yield Sample(
            sample_id=f"rafdb_{stem}",
            dataset="rafdb",
            image_path=folder / (f"{stem}_aligned.jpg" if aligned else f"{stem}.jpg"),
            expression=expression,
            split=_split_of(stem),
            framing="face_crop" if aligned else "photo",
            # Boxes and points are places in the original photo: they mean nothing in the crop.
            face_box=None if aligned else _read_box(boxes, stem),
            landmarks=() if aligned else landmarks,
            attributes=attributes,
        )


def _read_list(folder: Path) -> list[tuple[str, Expression]]:
    """(stem, expression) of each line "train_00001.jpg 5"."""
    present = [folder / name for name in _LISTS if (folder / name).is_file()]
    rows = read_rows((present or [folder / _LISTS[0]])[0], "RAF-DB's list of names and labels")
    if not rows:
        raise DatasetFormatError(
            f"{present[0]} is empty", "lines such as 'train_00001.jpg 5'", REMEDY
        )
    parsed = [(*_parse_row(row, row.text.split(), _NAME), row) for row in rows]
    refuse_duplicates((stem, row) for stem, _, row in parsed)
    return [(stem, expression) for stem, expression, _ in parsed]


def _parse_row(row: Row, fields: Sequence[str], pattern: re.Pattern[str]) -> tuple[str, Expression]:
    if len(fields) != 2:
        raise row.error(repr(row.text), "a file name and a label")
    name = pattern.fullmatch(check_name(fields[0], row))
    if name is None:
        raise row.error(f"name {fields[0]!r}", f"a name such as {_example_of(pattern)}")
    remedy = "give the folder basic/ (compound/ has other classes)"
    return name[1], EXPRESSIONS[row.integer(fields[1], tuple(EXPRESSIONS), "label", remedy)]


def _example_of(pattern: re.Pattern[str]) -> str:
    return "train_00001.jpg" if pattern is _NAME else "train_00001_aligned.jpg"


def _split_of(stem: str) -> Split:
    return cast(Split, stem.partition("_")[0])


def _image_folder(images: Path, choice: str) -> Path:
    names = ("original", "aligned") if choice == "auto" else (choice,)
    return find_folder(images, names, "RAF-DB's pictures")


def _read_box(folders: Sequence[Path], stem: str) -> FaceBox | None:
    """The official box, from the first folder that has it; it may reach beyond the picture."""
    for folder in folders:
        path = folder / f"{stem}_boundingbox.txt"
        if path.is_file():
            rows = read_rows(path, "RAF-DB's box of the labelled face")
            return _parse_box(rows[0]) if rows else None
    return None


def _parse_box(row: Row) -> FaceBox:
    meaning = "x_min y_min x_max y_max"
    x_min, y_min, x_max, y_max = row.numbers(4, meaning)
    try:
        return FaceBox(x_min, y_min, x_max, y_max)
    except ValueError as error:
        raise row.error(str(error), meaning) from error


def _read_manual(path: Path) -> tuple[tuple[Point, ...], dict[str, str]]:
    """Five points (eyes, nose, corners of the mouth) and what the annotators said of the person."""
    if not path.is_file():
        return (), {}
    rows = read_rows(path, "RAF-DB's points and attributes")
    if not rows:
        return (), {}
    if len(rows) < _LANDMARK_COUNT:
        raise rows[-1].error(f"{len(rows)} rows", f"{_LANDMARK_COUNT} points and three attributes")
    points = [row.numbers(2, "a point x y") for row in rows[:_LANDMARK_COUNT]]
    attributes = {
        name: meanings[row.integer(row.text, range(len(meanings)), name)]
        for row, (name, meanings) in zip(
            rows[_LANDMARK_COUNT:],
            (("gender", GENDERS), ("race", RACES), ("age", AGES)),
            strict=False,
        )
    }
    return tuple((x, y) for x, y in points), attributes


def _read_kaggle(base: Path, options: Options) -> Iterator[Sample]:
    if options.images == "original":
        raise DatasetNotFoundError(
            f"{base} is the Kaggle form, which holds aligned crops only",
            "the original photos",
            "choose images auto or aligned, or give RAF-DB's basic/",
        )
    for split in _SPLITS:
        for stem, code in _kaggle_rows(base, split):
            yield Sample(
                sample_id=f"rafdb_{stem}",
                dataset="rafdb",
                image_path=base / split / str(code) / f"{stem}_aligned.jpg",
                expression=EXPRESSIONS[code],
                split=split,
                framing="face_crop",
            )


def _kaggle_rows(base: Path, split: Split) -> Iterable[tuple[str, int]]:
    """(stem, label) by the split's list, or by its folders where there is no list."""
    name = f"{split}_labels.csv"
    for path in (base / name, base.parent / name):
        if path.is_file():
            return _kaggle_list(path, split)
    return _kaggle_folders(base / split) if (base / split).is_dir() else ()


def _kaggle_list(path: Path, split: Split) -> Iterator[tuple[str, int]]:
    rows = read_rows(path, "Kaggle's list of names and labels")
    rows = [row for row in rows if row.text.replace(" ", "").lower() != "image,label"]
    parsed = [(*_parse_row(row, row.text.split(","), _ALIGNED_NAME), row) for row in rows]
    refuse_duplicates((stem, row) for stem, _, row in parsed)
    for stem, expression, row in parsed:
        if _split_of(stem) != split:
            raise row.error(f"{stem}_aligned.jpg", f"pictures of the {split} split only")
        yield stem, int(expression)


def _kaggle_folders(folder: Path) -> Iterator[tuple[str, int]]:
    first: dict[str, Path] = {}
    labelled = [(code, folder / str(code)) for code in EXPRESSIONS]
    for code, label_folder in labelled:
        if not label_folder.is_dir():
            continue
        for path in require_folder(label_folder, "RAF-DB's aligned crops"):
            name = _ALIGNED_NAME.fullmatch(path.name)
            if name is None or name[2] != folder.name:
                raise DatasetFormatError(
                    f"{path} is not named as the Kaggle form names its pictures",
                    f"names such as {folder.name}_00001_aligned.jpg",
                    "remove the file or copy the data set anew",
                )
            if path.name in first:
                raise DatasetFormatError(
                    f"{path} has the name of {first[path.name]}", "each name once", REMEDY
                )
            first[path.name] = path
            yield name[1], code
