"""RAF-DB "basic": 15,339 photos with one of seven expressions each.

Li, Deng and Du, "Reliable crowdsourcing and deep locality-preserving learning for expression
recognition in the wild", CVPR 2017; labels and folders as in the data set's own read-me:

    basic/EmoLabel/list_patition_label.txt                  (sic) "train_00001.jpg 5"
    basic/Image/original/train_00001.jpg                    photos, several faces possible
    basic/Image/aligned/train_00001_aligned.jpg             the labelled face, 100 x 100
    basic/Annotation/boundingbox/train_00001_boundingbox.txt    x_min y_min x_max y_max
    basic/Annotation/manual/train_00001_manu_attri.txt      five points, gender, race, age

The copy on Kaggle has the aligned pictures only, in DATASET/{train,test}/{1..7}, with the lists
train_labels.csv and test_labels.csv. Copies relabelled from 0 to 6 exist; all numbers together
show the numbering.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, cast

from fer_det.core.expression import Expression, expression_of_word
from fer_det.core.sample import SPLITS, Face, Sample, Split
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.class_names import split_of_word, tell_numbering
from voc_builder.readers.rafdb_files import (
    COMPOUND_REMEDY,
    LIST,
    NAME,
    Listed,
    choose_pictures,
    place_pictures,
    read_box,
    read_list,
    read_manual,
    select_part,
    take_annotations,
    take_pictures,
)
from voc_builder.readers.table import REMEDY, refuse_duplicates
from voc_builder.readers.tree import Tree

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

LAYOUT = "RAF-DB's basic/{EmoLabel,Image} or Kaggle's DATASET/{train,test}/{1..7}"


@dataclass(frozen=True)
class Options:
    """How to read RAF-DB."""

    images: Literal["auto", "original", "aligned"] = "auto"
    """Which pictures: original photos, aligned crops, or (auto) photos if there are any."""
    numbering: Literal["auto", "from_one", "from_zero"] = "auto"
    """Whether the labels are 1 to 7, as published, or 0 to 6; auto: as their numbers show."""


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
                raise each.row.error(f"label {each.code}", known, COMPOUND_REMEDY)
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
        # The published list runs from 1; class folders are what people renumber.
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
