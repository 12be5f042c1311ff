"""RAF-DB "basic": 15,339 photos with one of seven expressions each.

Li, Deng and Du, "Reliable crowdsourcing and deep locality-preserving learning for expression
recognition in the wild", CVPR 2017; labels and folders as in the data set's own read-me:

    basic/EmoLabel/list_patition_label.txt                  (sic) "train_00001.jpg 5"
    basic/Image/original/train_00001.jpg                    photos, several faces possible
    basic/Image/aligned/train_00001_aligned.jpg             the labelled face, 100 x 100
    basic/Annotation/boundingbox/train_00001_boundingbox.txt    x_min y_min x_max y_max
    basic/Annotation/manual/train_00001_manu_attri.txt      five points, gender, race, age

The copy on Kaggle has the aligned pictures only, in DATASET/{train,test}/{1..7}, with the lists
train_labels.csv and test_labels.csv. Copies relabelled from 0 to 6 exist; the numbering is told
from all numbers together.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, cast

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.sample import SPLITS, Face, Framing, Point, Sample, Split
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.class_names import expression_of_word, split_of_word, tell_numbering
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
    refuse_duplicates,
    whole_number,
)
from voc_builder.readers.tree import PictureIndex, Tree, is_picture

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

LAYOUT = "RAF-DB's basic/{EmoLabel,Image} or Kaggle's DATASET/{train,test}/{1..7}"
NAME = re.compile(r"((train|test)_\d+)(_aligned)?", re.IGNORECASE)
"""The stem of a picture."""

LIST = r"list_par?tition_label\.txt"
"""The name of the list."""
_LANDMARK_COUNT = 5
_COMPOUND_REMEDY = "give the folder basic/ (compound/ has other classes: --rafdb_compound)"


@dataclass(frozen=True)
class Options:
    """How to read RAF-DB."""

    images: Literal["auto", "original", "aligned"] = "auto"
    """Which pictures: original photos, aligned crops, or (auto) photos if there are any."""
    numbering: Literal["auto", "from_one", "from_zero"] = "auto"
    """Whether the labels are 1 to 7, as published, or 0 to 6; auto: as their numbers show."""


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


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """The counts of the data set's paper."""
    del options
    return [{"train": 12_271, "test": 3_068}]


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the pictures of RAF-DB's list in its order, or those of the class folders.

    root: the folder that holds basic/, or basic/ itself; for the Kaggle form the folder that holds
    DATASET/, or DATASET/ itself. Raises DatasetNotFoundError for a missing list or folder and
    DatasetFormatError for a line, folder or annotation that cannot be understood.
    """
    tree = Tree(root, TITLE, LAYOUT)
    select_part(tree, "basic")
    paths, framing = choose_pictures(tree, *take_pictures(tree), options.images)
    boxes, manuals = take_annotations(tree)
    found = _find_pictures(tree, paths, _read_lists(tree, paths), options)
    for listed, expression, path in found:
        landmarks, attributes = read_manual(tree, manuals.get(listed.stem))
        # Boxes and points are places in the original photo: they mean nothing in the crop.
        is_photo = framing == "photo"
        box = read_box(tree, boxes.get(listed.stem)) if is_photo else None
        yield Sample(
            sample_id=f"rafdb_{listed.stem}",
            dataset="rafdb",
            picture=tree.picture(path),
            faces=(Face(expression, box, landmarks if is_photo else ()),),
            split=_split_of(tree, listed.stem, path),
            framing=framing,
            attributes=attributes,
        )
    used = {path for _, _, path in found}
    for path in paths:
        if path not in used:
            yield tree.left_out("rafdb", path, "not in the list")
    yield from tree.finish("rafdb")


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
        name = _listed_name(row.cells[names])
        if name is None:
            raise row.error(f"name {row.cells[names]!r}", "a name such as train_00001.jpg")
        cell = row.cells[labels]
        if not can_be_label(cell):
            wanted = f"one of {min(is_label)} to {max(is_label)}"
            raise row.error(f"label {cell!r}", wanted, _COMPOUND_REMEDY)
        listed.append(Listed(name, whole_number(cell), expression_of_word(cell), row))
    return listed


def _name_column(table: Table) -> int:
    named = table.column(NAME_WORDS)
    if named is not None:
        return named
    columns = [
        column
        for column in range(len(table.rows[0].cells))
        if _listed_name(table.rows[0].cells[column]) is not None
    ]
    if len(columns) != 1:
        bad = first_bad_row(table, lambda cell: _listed_name(cell) is not None)
        raise bad.error(repr(bad.text), "one name such as train_00001.jpg, and a label")
    return columns[0]


def _listed_name(cell: str) -> str | None:
    """The stem in a listed name, which may have a folder before it and a suffix."""
    path = PurePosixPath(cell.replace("\\", "/"))
    stem = path.stem if is_picture(path) else path.name
    name = NAME.fullmatch(stem)
    return None if name is None or ".." in path.parts else name[1].lower()


def _read_lists(tree: Tree, paths: Sequence[PurePosixPath]) -> list[Listed]:
    """The listed pictures; those of the class folders where there is no list."""
    lists = [path for path, _ in tree.take_named(LIST)][:1] or _take_csv_lists(tree)
    if lists:
        listed = [each for path in lists for each in read_list(tree.root / path, EXPRESSIONS)]
        _refuse_other_splits(listed)
        refuse_duplicates((each.stem, each.row) for each in listed if each.row is not None)
        return listed
    by_folder = [each for path in paths if (each := _listed_by_folder(path)) is not None]
    if not by_folder:
        raise DatasetNotFoundError(
            f"{tree.root} has {len(paths)} pictures, but EmoLabel/list_patition_label.txt is absent"
            " and there are no class folders",
            LAYOUT,
            "complete the copy of the data set",
        )
    return _check_folders(tree, paths, by_folder)


def _take_csv_lists(tree: Tree) -> list[PurePosixPath]:
    """train_labels.csv, test_labels.csv and others of their kind, train first."""
    found = [path for path, _ in tree.take_named(r".*\.(csv|tsv)")]

    def rank(path: PurePosixPath) -> tuple[int, str]:
        split = split_of_word(path.stem.lower().replace("labels", "").replace("label", ""))
        return SPLITS.index(split) if split else len(SPLITS), path.as_posix()

    return sorted(found, key=rank)


def _refuse_other_splits(listed: Sequence[Listed]) -> None:
    """Kaggle's lists are of one split each, by their names."""
    for each in listed:
        assert each.row is not None
        name = each.row.path.stem.lower()
        split = split_of_word(name.replace("labels", "").replace("label", ""))
        if split in ("train", "test") and not each.stem.startswith(split):
            raise each.row.error(each.stem, f"pictures of the {split} split only")


def _listed_by_folder(path: PurePosixPath) -> Listed | None:
    """The picture's label by the nearest folder that is named by a number or an expression."""
    name = NAME.fullmatch(path.stem)
    assert name is not None
    for folder in path.parts[-2::-1]:
        expression = expression_of_word(folder)
        if folder.isdecimal() or expression is not None:
            code = int(folder) if folder.isdecimal() else None
            return Listed(name[1].lower(), code, expression, path=path)
    return None


def _check_folders(
    tree: Tree, pictures: Sequence[PurePosixPath], listed: list[Listed]
) -> list[Listed]:
    """Refuse pictures outside class folders, in two of them, or in folders with other numbers."""
    labelled = {each.path for each in listed}
    stray = [path for path in pictures if path not in labelled]
    if stray:
        raise DatasetFormatError(
            f"{len(stray)} pictures below {tree.root} are in no class folder and no list names"
            f" them, the first is {stray[0]}",
            LAYOUT,
            "complete the copy of the data set, or move them out of the folder",
        )
    first: dict[str, Listed] = {}
    for each in listed:
        other = first.setdefault(each.stem, each)
        if other is not each:
            raise DatasetFormatError(
                f"{tree.root / str(each.path)} has the name of {other.path}",
                "each name once",
                REMEDY,
            )

    def rank(each: Listed) -> tuple[int, int, str]:
        assert each.path is not None
        split = _split_of(tree, each.stem, each.path)
        return SPLITS.index(split), each.code or each.expression or 0, each.path.name

    return sorted(listed, key=rank)


def _find_pictures(
    tree: Tree, paths: Sequence[PurePosixPath], listed: Sequence[Listed], options: Options
) -> list[tuple[Listed, Expression, PurePosixPath]]:
    """Each listed picture with its expression and its path.

    Raises DatasetFormatError where a list and the class folders disagree.
    """
    decoded = list(_decode_labels(tree, listed, options))
    places = place_pictures(tree, paths, listed)
    found = [(each, label, path) for (each, label), path in zip(decoded, places, strict=True)]
    by_folder = [
        (folder, expression)
        for each, expression, path in found
        if each.row is not None and (folder := _listed_by_folder(path)) is not None
    ]
    _refuse_disagreement(tree, by_folder)
    return found


def place_pictures(
    tree: Tree, paths: Sequence[PurePosixPath], listed: Sequence[Listed]
) -> list[PurePosixPath]:
    """The path of each listed picture; of an absent one the path that it should have.

    Raises DatasetNotFoundError where all are absent.
    """
    index = PictureIndex(tree, paths)
    name = "{}_aligned" if paths[0].stem.lower().endswith("_aligned") else "{}"
    home = Counter(path.parent for path in paths).most_common(1)[0][0]
    found = [each.path or index.find(name.format(each.stem)) for each in listed]
    if not any(found):
        raise tree.not_found(f"none of the {len(found)} listed pictures is below {tree.root}")
    return [
        path or home / f"{name.format(each.stem)}.jpg"
        for each, path in zip(listed, found, strict=True)
    ]


def _refuse_disagreement(tree: Tree, folders: Sequence[tuple[Listed, Expression]]) -> None:
    """Raise DatasetFormatError where a class folder and a list's label contradict each other."""
    numbering = tell_numbering(
        {each.code for each, _ in folders if each.code is not None}, len(EXPRESSIONS)
    )
    shift = int(numbering == "from_zero")
    for each, expression in folders:
        code = None if each.code is None else EXPRESSIONS.get(each.code + shift)
        label = each.expression or code
        if label is not expression and (each.expression or numbering != "either"):
            raise DatasetFormatError(
                f"{tree.root / str(each.path)} is listed as {expression.label}",
                "a list and class folders that agree",
                "correct or remove the list",
            )


def _decode_labels(
    tree: Tree, listed: Sequence[Listed], options: Options
) -> Iterator[tuple[Listed, Expression]]:
    """Each picture with its expression, numbers read as all numbers together show."""
    shift = _first_code(tree, listed, options)
    for each in listed:
        if each.expression is not None:
            yield each, each.expression
            continue
        assert each.code is not None
        code = each.code + shift
        if code not in EXPRESSIONS:
            known = f"one of {1 - shift} to {7 - shift}"
            if each.row is not None:
                raise each.row.error(f"label {each.code}", known, _COMPOUND_REMEDY)
            raise DatasetFormatError(
                f"{tree.root / str(each.path)} is in a folder {each.code}",
                f"{known}, or an expression's name",
                "rename the folder, or move it out of the data set",
            )
        yield each, EXPRESSIONS[code]


def _first_code(tree: Tree, listed: Sequence[Listed], options: Options) -> int:
    """What has to be added to the numbers so that they run from 1."""
    codes = {each.code for each in listed if each.code is not None}
    if options.numbering != "auto" or not codes:
        return int(options.numbering == "from_zero")
    numbering = tell_numbering(codes, len(EXPRESSIONS))
    if numbering == "either":
        # The published list runs from 1; class folders are what people number anew.
        if all(each.row is not None for each in listed):
            return 0
        text = ", ".join(map(str, sorted(codes)))
        if len(codes) == len(EXPRESSIONS) - 1:
            raise DatasetFormatError(
                f"{tree.root} has the class folders {text}, which may be 0 to 6 without 0 or 1 to 7"
                " without 7",
                LAYOUT,
                "add --rafdb_options.numbering from_one (as published) or from_zero",
            )
        print(
            f"warning: {TITLE}: class folders {text} are read as published, from 1 (surprise);"
            " --rafdb_options.numbering from_zero reads them from 0",
            file=sys.stderr,
        )
    return int(numbering == "from_zero")


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


def _split_of(tree: Tree, stem: str, path: PurePosixPath | None) -> Split:
    """By the name; a train picture in a folder named val is of the validation split.

    Raises DatasetFormatError for a picture of test in a train folder and the other way round.
    """
    split = cast(Split, stem.partition("_")[0])
    folders = [] if path is None else [split_of_word(name) for name in path.parts[:-1]]
    folder = next((name for name in reversed(folders) if name is not None), split)
    if folder == "val" and split == "train":
        return "val"
    if folder not in (split, "val"):
        raise DatasetFormatError(
            f"{tree.root / str(path)} is not named as the Kaggle form names its pictures",
            f"names of {folder} pictures, such as {folder}_00001_aligned.jpg",
            "remove the file or copy the data set again",
        )
    return split
