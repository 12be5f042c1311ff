"""Files of RAF-DB's layout, which its basic and its compound part share; see rafdb.py."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression, expression_of_word
from fer_det.core.sample import Framing, Point
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.picture_index import PictureIndex, is_picture
from voc_builder.readers.table import (
    LABEL_WORDS,
    NAME_WORDS,
    REMEDY,
    Row,
    Table,
    find_label_column,
    first_bad_row,
    read_rows,
    read_table,
    whole_number,
)
from voc_builder.readers.tree import Tree

GENDERS = ("male", "female", "unsure")
RACES = ("Caucasian", "African-American", "Asian")
AGES = ("0-3", "4-19", "20-39", "40-69", "70+")

NAME = re.compile(r"((train|test)_\d+)(_aligned)?", re.IGNORECASE)
"""The stem of a picture."""

LIST = r"list_par?tition_label\.txt"
"""The name of the list."""
_LANDMARK_COUNT = 5
COMPOUND_REMEDY = "give the folder basic/ (compound/ has other classes: --rafdb_compound)"


@dataclass(frozen=True)
class Listed:
    """A picture's name and code, and where both were found."""

    stem: str
    """'train_00001'."""
    code: int | None
    """As it is written; None where the label is a word."""
    expression: Expression | None
    """Of a word."""
    row: Row | None = None
    """The list's line; None for a label that is the folder's."""
    path: PurePosixPath | None = None
    """The picture; None for a listed name."""


def select_part(tree: Tree, part: str) -> None:
    """Keep to the folder of that part ("basic" or "compound") where the tree has one."""
    folders = {
        PurePosixPath(*path.parts[: place + 1])
        for path in tree.rest
        for place, name in enumerate(path.parts[:-1])
        if name.lower() == part
    }
    if folders:
        tree.restrict(min(folders, key=lambda folder: len(folder.parts)))


def take_pictures(tree: Tree) -> tuple[list[PurePosixPath], list[PurePosixPath]]:
    """(original photos, aligned crops) of the tree."""
    pictures = tree.take_pictures(NAME.pattern)
    originals = [path for path, name in pictures if name[3] is None]
    aligned = [path for path, name in pictures if name[3] is not None]
    return originals, aligned


def take_annotations(
    tree: Tree,
) -> tuple[dict[str, PurePosixPath], dict[str, PurePosixPath]]:
    """(box files, files of points and attributes) by the picture's stem."""
    tree.know(r".*_auto_attri\.txt")
    boxes = tree.take_named(r"((?:train|test)_\d+)_boundingbox\.txt")
    manuals = tree.take_named(r"((?:train|test)_\d+)_manu_attri\.txt")
    return _by_stem(boxes), _by_stem(manuals)


def _by_stem(
    found: Sequence[tuple[PurePosixPath, re.Match[str]]],
) -> dict[str, PurePosixPath]:
    return {name[1].lower(): path for path, name in found}


def read_box(tree: Tree, path: PurePosixPath | None) -> FaceBox | None:
    """The official box, None without a file or line; it may reach beyond the picture."""
    meaning = "x_min y_min x_max y_max"
    if path is None:
        return None
    rows = read_rows(tree.root / path, "RAF-DB's box of the labelled face")
    if not rows:
        return None
    if len(rows[0].cells) != 4:
        raise rows[0].error(repr(rows[0].text), f"{meaning} (4 numbers)")
    x_min, y_min, x_max, y_max = rows[0].numbers(range(4), meaning)
    try:
        return FaceBox(x_min, y_min, x_max, y_max)
    except ValueError as error:
        raise rows[0].error(str(error), meaning) from error


def read_manual(tree: Tree, path: PurePosixPath | None) -> tuple[tuple[Point, ...], dict[str, str]]:
    """Five points (eyes, nose, corners of the mouth) and the annotated attributes of the person."""
    if path is None:
        return (), {}
    rows = read_rows(tree.root / path, "RAF-DB's points and attributes")
    if not rows:
        return (), {}
    if len(rows) < _LANDMARK_COUNT:
        raise rows[-1].error(f"{len(rows)} rows", f"{_LANDMARK_COUNT} points and three attributes")
    points = [row.numbers(range(2), "a point x y") for row in rows[:_LANDMARK_COUNT]]
    attributes = {
        name: meanings[row.integer(0, range(len(meanings)), name)]
        for row, (name, meanings) in zip(
            rows[_LANDMARK_COUNT:],
            (("gender", GENDERS), ("race", RACES), ("age", AGES)),
            strict=False,
        )
    }
    return tuple((x, y) for x, y in points), attributes


def read_list(path: Path, is_label: Mapping[int, object]) -> list[Listed]:
    """The pictures of a list, text or CSV: names with or without folder and suffix, and labels.

    is_label: the codes that may occur, besides words.
    """
    table = read_table(path, "RAF-DB's list of names and labels", (*NAME_WORDS, *LABEL_WORDS))
    if not table.rows:
        raise DatasetFormatError(f"{path} is empty", "lines such as 'train_00001.jpg 5'", REMEDY)
    names = _name_column(table)
    width = len(table.rows[0].cells)

    def can_be_label(cell: str) -> bool:
        code = whole_number(cell)
        return expression_of_word(cell) is not None or code == 0 or code in is_label

    labels = 1 - names if width == 2 else find_label_column(table, can_be_label)
    listed = []
    for row in table.rows:
        name = listed_name(row.cells[names])
        if name is None:
            raise row.error(f"name {row.cells[names]!r}", "a name such as train_00001.jpg")
        cell = row.cells[labels]
        if not can_be_label(cell):
            wanted = f"one of {min(is_label)} to {max(is_label)}"
            raise row.error(f"label {cell!r}", wanted, COMPOUND_REMEDY)
        listed.append(Listed(name, whole_number(cell), expression_of_word(cell), row))
    return listed


def _name_column(table: Table) -> int:
    named = table.column(NAME_WORDS)
    if named is not None:
        return named
    columns = [
        column
        for column in range(len(table.rows[0].cells))
        if listed_name(table.rows[0].cells[column]) is not None
    ]
    if len(columns) != 1:
        bad = first_bad_row(table, lambda cell: listed_name(cell) is not None)
        raise bad.error(repr(bad.text), "one name such as train_00001.jpg, and a label")
    return columns[0]


def listed_name(cell: str) -> str | None:
    """The stem in a listed name, which may have a folder before it and a suffix."""
    path = PurePosixPath(cell.replace("\\", "/"))
    stem = path.stem if is_picture(path) else path.name
    name = NAME.fullmatch(stem)
    return None if name is None or ".." in path.parts else name[1].lower()


def place_pictures(
    tree: Tree, paths: Sequence[PurePosixPath], listed: Sequence[Listed]
) -> list[PurePosixPath]:
    """The path of each listed picture; of an absent one the path that it should have.

    Raises DatasetNotFoundError where all are absent.
    """
    index = PictureIndex(tree.root, paths)
    name = "{}_aligned" if paths[0].stem.lower().endswith("_aligned") else "{}"
    home = Counter(path.parent for path in paths).most_common(1)[0][0]
    found = [each.path or index.find(name.format(each.stem)) for each in listed]
    if not any(found):
        raise tree.not_found(f"none of the {len(found)} listed pictures is below {tree.root}")
    return [
        path or home / f"{name.format(each.stem)}.jpg"
        for each, path in zip(listed, found, strict=True)
    ]


def choose_pictures(
    tree: Tree, originals: list[PurePosixPath], aligned: list[PurePosixPath], images: str
) -> tuple[list[PurePosixPath], Framing]:
    """The photos or the crops; DatasetNotFoundError where there are none."""
    if images != "aligned" and originals:
        return originals, "photo"
    if images != "original" and aligned:
        return aligned, "face_crop"
    if images == "original" and aligned:
        raise DatasetNotFoundError(
            f"{tree.root} holds aligned crops only",
            "the original photos",
            "choose images auto or aligned, or give RAF-DB's basic/",
        )
    raise tree.not_found()
