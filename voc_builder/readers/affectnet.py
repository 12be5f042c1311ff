"""AffectNet: photos from web searches, 287,651 with one of eight expressions.

Mollahosseini, Hasani and Mahoor, "AffectNet: a database for facial expression, valence, and arousal
computing in the wild", IEEE Transactions on Affective Computing 2019. Two releases:

    Manually_Annotated_file_lists/{training,validation}.csv     paths, boxes and labels
    Manually_Annotated_Images/<folder>/<file>                   photos of many formats

    {train_set,val_set}/images/<id>.jpg                         crops, 224 x 224
    {train_set,val_set}/annotations/<id>_exp.npy                the label as text

Papers report the validation pictures, 500 a class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.sample import Face, Framing, Sample, Split
from fer_det.errors import DatasetFormatError
from voc_builder.readers.class_names import split_of_folders, split_of_word
from voc_builder.readers.picture_index import PictureIndex, safe_id
from voc_builder.readers.table import Row, read_table, whole_number
from voc_builder.readers.tree import Tree

TITLE = "AffectNet"

EXPRESSIONS: Mapping[int, Expression] = {
    0: Expression.NEUTRAL,
    1: Expression.HAPPINESS,
    2: Expression.SADNESS,
    3: Expression.SURPRISE,
    4: Expression.FEAR,
    5: Expression.DISGUST,
    6: Expression.ANGER,
    7: Expression.CONTEMPT,
}
NO_EXPRESSIONS: Mapping[int, str] = {8: "none", 9: "uncertain", 10: "non-face"}

_LAYOUT = "AffectNet's Manually_Annotated_file_lists or {train_set,val_set}/{images,annotations}"
_COLUMNS = (
    "subdirectoryfilepath",
    "facex",
    "facey",
    "facewidth",
    "faceheight",
    "faciallandmarks",
    "expression",
)
_TRAIN, _CONTEMPT, _VAL_A_CLASS = 287_651, 3_750, 500


@dataclass(frozen=True)
class Options:
    """How to read AffectNet."""

    contempt: Literal["drop", "keep"] = "drop"
    """Whether contempt, which is not one of RAF-DB's seven, is an eighth class."""
    validation: Literal["val", "test"] = "val"
    """Which split AffectNet's validation pictures are. Papers report them, since the test pictures
    are not public; with `test` a validation split is taken from train."""


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """The counts of the manually annotated pictures with an expression."""
    dropped = options.contempt == "drop"
    train = _TRAIN - dropped * _CONTEMPT
    return [{"train": train, options.validation: _VAL_A_CLASS * (8 - dropped)}]


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the pictures of the lists in their order, or of the folders. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    lists = [path for path, _ in tree.take_named(r"(training|validation)\.csv")]
    labels = tree.take_named(r"(.+)_exp\.npy")
    tree.know(r".*_(aro|val|lnd)\.npy")
    paths = [path for path, _ in tree.take_pictures(".*")]
    if not paths or not (lists or labels):
        raise tree.not_found()
    used: set[PurePosixPath] = set()
    if lists:
        yield from _read_lists(tree, lists, paths, used, options)
    else:
        yield from _read_labels(tree, [path for path, _ in labels], paths, used, options)
    for path in paths:
        if path not in used:
            yield tree.left_out("affectnet", path, "without a label")
    yield from tree.finish("affectnet")


def _read_lists(
    tree: Tree,
    lists: Sequence[PurePosixPath],
    paths: Sequence[PurePosixPath],
    used: set[PurePosixPath],
    options: Options,
) -> Iterator[Sample]:
    index = PictureIndex(tree.root, paths)
    home = paths[0].parent.parent
    for place in sorted(lists, key=lambda path: path.name.lower() != "training.csv"):
        table = read_table(tree.root / place, "AffectNet's list", _COLUMNS, separator=",")
        # Some copies lack the first line.
        header = table.header or (*_COLUMNS, "valence", "arousal")
        if not set(_COLUMNS) <= set(header):
            raise DatasetFormatError(
                f"{table.path} has the columns {', '.join(header)}",
                "AffectNet's columns, subDirectory_filePath to expression",
                "copy the file again",
            )
        name, *box, _, label = (header.index(word) for word in _COLUMNS)
        split = _split_of(split_of_word(place.stem), options)
        for row in table.rows:
            listed = row.cells[name]
            if ".." in PurePosixPath(listed).parts or listed.startswith("/"):
                raise row.error(f"path {listed!r}", "a path below the pictures' folder")
            path = index.find(listed) or home / listed
            used.add(path)
            code = row.integer(label, (*EXPRESSIONS, *NO_EXPRESSIONS), "expression")
            face = None if code in NO_EXPRESSIONS else _box(row, box)
            yield _sample(tree, path, code, face, split, "photo", options)


def _read_labels(
    tree: Tree,
    labels: Sequence[PurePosixPath],
    paths: Sequence[PurePosixPath],
    used: set[PurePosixPath],
    options: Options,
) -> Iterator[Sample]:
    index = PictureIndex(tree.root, paths)
    for place in labels:
        name = f"{place.name[: -len('_exp.npy')]}.jpg"
        folder = place.parent.parent / "images"
        path = index.find(f"{folder}/{name}", near=folder) or folder / name
        used.add(path)
        code = _read_npy(tree.root / place)
        split = _split_of(split_of_folders(place), options)
        yield _sample(tree, path, code, None, split, "face_crop", options)


def _sample(
    tree: Tree,
    path: PurePosixPath,
    code: int,
    box: FaceBox | None,
    split: Split,
    framing: Framing,
    options: Options,
) -> Sample:
    if code in NO_EXPRESSIONS:
        return tree.left_out("affectnet", path, NO_EXPRESSIONS[code], split)
    expression = EXPRESSIONS[code]
    if expression is Expression.CONTEMPT and options.contempt == "drop":
        return tree.left_out("affectnet", path, "contempt", split)
    folder = f"{path.parent.name}-" if framing == "photo" else ""
    return Sample(
        sample_id=safe_id("affectnet", f"{split}-{folder}{path.stem}"),
        dataset="affectnet",
        picture=tree.picture(path),
        faces=(Face(expression, box),),
        split=split,
        framing=framing,
    )


def _split_of(split: Split | None, options: Options) -> Split:
    return options.validation if split in ("val", "test") else "train"


def _box(row: Row, columns: Sequence[int]) -> FaceBox:
    x, y, width, height = row.numbers(columns, "face_x, face_y, face_width, face_height")
    try:
        return FaceBox(x, y, x + width, y + height)
    except ValueError as error:
        raise row.error(str(error), "a box with an area") from error


def _read_npy(path: Path) -> int:
    import numpy as np

    try:
        code = whole_number(str(np.load(path, allow_pickle=False)))
    except (OSError, ValueError, EOFError) as error:
        raise DatasetFormatError(
            f"{path} could not be read ({str(error)[:60]})", "an array of text", "copy it again"
        ) from error
    if code is None or code not in {*EXPRESSIONS, *NO_EXPRESSIONS}:
        raise DatasetFormatError(f"{path} holds {code}", "a label from 0 to 10", "copy it again")
    return code
