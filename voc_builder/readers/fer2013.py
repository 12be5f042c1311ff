"""FER2013: 35,887 gray faces of 48 x 48 pixels, gathered by web search.

Goodfellow et al., "Challenges in representation learning", ICONIP 2013. The forms that go around:

    fer2013.csv                             emotion,pixels,Usage
    icml_face_data.csv                      the same in another order, with blanks in the header
    train.csv, test.csv                     of the competition; test.csv has no labels
    train/{angry,...}/Training_3908.jpg     Kaggle's folders; test/ has both PublicTest and
                                            PrivateTest, which some copies name

Training is the training split, PublicTest the validation and PrivateTest the test split. About
1,200 training pictures are copies of others, and some are in the test split too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from fer_det.core.expression import Expression
from fer_det.core.picture import PictureSource
from fer_det.core.sample import Face, Sample, Split
from fer_det.errors import DatasetFormatError
from voc_builder.readers.class_names import split_of_folders
from voc_builder.readers.picture_index import path_ids
from voc_builder.readers.pixel_table import read_header, read_pixel_rows
from voc_builder.readers.table import REMEDY, whole_number
from voc_builder.readers.tree import Tree, left_out

TITLE = "FER2013"
BOXES = "whole"

EXPRESSIONS: Mapping[int, Expression] = {
    0: Expression.ANGER,
    1: Expression.DISGUST,
    2: Expression.FEAR,
    3: Expression.HAPPINESS,
    4: Expression.SADNESS,
    5: Expression.SURPRISE,
    6: Expression.NEUTRAL,
}

USAGES: Mapping[str, Split] = {"training": "train", "publictest": "val", "privatetest": "test"}

_LAYOUT = "fer2013.csv, or {train,test}/{angry,disgust,fear,happy,sad,surprise,neutral}"
_USAGE = re.compile(r"(training|publictest|privatetest)_", re.IGNORECASE)
_TRAIN, _PUBLIC, _PRIVATE = 28_709, 3_589, 3_589


@dataclass(frozen=True)
class Options:
    """How to read FER2013."""

    public_test: Literal["val", "test"] = "val"
    """Which split PublicTest is: the validation split, or part of the test split, as in folder
    copies."""


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """The counts of the challenge, of folders that do not name PublicTest, and of train.csv."""
    merged = {"train": _TRAIN, "test": _PUBLIC + _PRIVATE}
    separate = {"train": _TRAIN, "val": _PUBLIC, "test": _PRIVATE}
    return [separate if options.public_test == "val" else merged, merged, {"train": _TRAIN}]


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the rows of the table, or the pictures of the class folders by path.

    See Reader.read.
    """
    tree = Tree(root, TITLE, _LAYOUT)
    tables = take_pixel_tables(tree)
    if not tables:
        yield from _read_folders(tree, options)
        yield from tree.finish("fer2013")
        return
    chosen, others = tables[:1], tables[1:]
    if "usage" not in read_header(tree.root / chosen[0]):
        # The competition's own files are two, of one split each.
        chosen, others = tables, []
    for path in chosen:
        yield from _read_table(tree, path, options)
    for path in others:
        yield tree.left_out("fer2013", path, f"the same as {chosen[0]}")
    # Folder copies beside the table hold the same pictures.
    tree.take_class_folders()
    tree.take_pictures(r"fer\d+")
    yield from tree.finish("fer2013")


def take_pixel_tables(tree: Tree) -> list[PurePosixPath]:
    """The tables with a column of pixels, those with a usage and FER2013's own name first."""

    def has_pixels(path: PurePosixPath) -> tuple[str, ...] | None:
        if path.suffix.lower() != ".csv":
            return None
        header = read_header(tree.root / path)
        return header if "pixels" in header else None

    found = tree.take(has_pixels)

    def rank(item: tuple[PurePosixPath, tuple[str, ...]]) -> tuple[bool, bool, bool]:
        path, header = item
        return "usage" not in header, path.name != "fer2013.csv", "emotion" not in header

    return [path for path, _ in sorted(found, key=rank)]


def _read_table(tree: Tree, path: PurePosixPath, options: Options) -> Iterator[Sample]:
    for cells, picture in read_pixel_rows(tree.root / path, path.as_posix()):
        row = picture.name.rpartition("#")[2]
        if "emotion" not in cells:
            yield left_out("fer2013", picture, "no label")
            continue
        usage = cells.get("usage", "Training")
        split = split_of_usage(usage, options)
        code = whole_number(cells["emotion"])
        if split is None or code is None or code not in EXPRESSIONS:
            raise DatasetFormatError(
                f"{picture.name} has emotion {cells['emotion']!r} and usage {usage!r}",
                "an emotion from 0 to 6, and Training, PublicTest or PrivateTest",
                REMEDY,
            )
        yield _sample(f"fer2013_{usage}_{int(row):05d}", picture, EXPRESSIONS[code], split)


def split_of_usage(usage: str, options: Options) -> Split | None:
    """The split of a usage; None for another word."""
    split = USAGES.get(usage.lower())
    return options.public_test if split == "val" else split


def _read_folders(tree: Tree, options: Options) -> Iterator[Sample]:
    pictures = tree.take_class_folders()
    if not any(expression for _, expression in pictures):
        raise tree.not_found()
    ids = path_ids("fer2013", [path for path, _ in pictures])
    for path, expression in pictures:
        usage = _USAGE.match(path.name)
        split = split_of_usage(usage[1], options) if usage else split_of_folders(path)
        if split is None:
            raise DatasetFormatError(
                f"{tree.root / path} is in no folder named train, val or test",
                _LAYOUT,
                "give the folder that holds train/ and test/",
            )
        if expression is None:
            yield tree.left_out("fer2013", path, "no expression")
        else:
            yield _sample(ids[path], tree.picture(path), expression, split)


def _sample(sample_id: str, picture: PictureSource, expression: Expression, split: Split) -> Sample:
    return Sample(
        sample_id=sample_id,
        dataset="fer2013",
        picture=picture,
        faces=(Face(expression),),
        split=split,
        framing="face_crop",
    )
