"""People's own pictures: a folder for each expression, or a table of pictures, labels and boxes.

    happy/IMG 1.jpg, sad/...                    also below train/, val/, test/
    labels.csv and the pictures it names        a header line, and columns by name:

| column | names |
|---|---|
| picture | image, file, filename, path, ...: with or without folder and suffix |
| label | label, emotion, expression, class, ...: an expression's name; empty or "none": ignored |
| votes | instead of a label one column for each expression, named after it |
| box | xmin ymin xmax ymax, left top right bottom, x1 y1 x2 y2 or x y w h, in pixels from 0 |
| split, group | optional: train, val or test; the person or film |
| clip, frame | optional: the video and the frame's number in it |

A picture with several faces has a row for each; each row then needs a box.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fer_det.core.box import FaceBox
from fer_det.core.expression import EXPRESSION_WORDS, Expression, expression_of_word
from fer_det.core.label import Label, LabelDistribution
from fer_det.core.sample import Clip, Face, Sample, Split
from fer_det.errors import ConfigError, DatasetFormatError
from voc_builder.readers.class_names import names_no_expression, split_of_folders, split_of_word
from voc_builder.readers.picture_index import PictureIndex, is_picture, path_ids
from voc_builder.readers.table import (
    GROUP_WORDS,
    LABEL_WORDS,
    NAME_WORDS,
    SPLIT_WORDS,
    Row,
    Table,
    read_table,
    whole_number,
)
from voc_builder.readers.tree import Tree

TITLE = "own pictures in folders or with a table"

_LAYOUT = "a folder of pictures for each expression, or labels.csv beside the pictures"
_BOXES = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("left", "top", "right", "bottom"),
    ("x1", "y1", "x2", "y2"),
    ("x", "y", "w", "h"),
    ("x", "y", "width", "height"),
    ("facex", "facey", "facewidth", "faceheight"),
)
_SIZED_BOXES = _BOXES[3:]
_HEADER = (*NAME_WORDS, *LABEL_WORDS, *EXPRESSION_WORDS)


@dataclass(frozen=True)
class Options:
    """How to read people's own pictures."""

    group_pattern: str | None = None
    """Regular expression that finds the person or film in a picture's path below the folder; its
    first bracket is the group, which stays in one split. For example '(person\\d+)'."""
    face_crops: bool = False
    """Whether each picture is cut tightly around one face."""

    def __post_init__(self) -> None:
        check_group_pattern(self.group_pattern)


@dataclass
class _Picture:
    """What the rows of one picture state together."""

    path: PurePosixPath
    faces: list[Face] = field(default_factory=list)
    split: Split | None = None
    group: str | None = None
    clip: Clip | None = None
    first: Row | None = None


def check_group_pattern(pattern: str | None) -> None:
    """Raise ConfigError for a pattern that is no regular expression with a bracket."""
    try:
        groups = 1 if pattern is None else re.compile(pattern).groups
    except re.error:
        groups = 0
    if not groups:
        raise ConfigError(
            f"group_pattern {pattern!r}", "a regular expression with one bracket", r"try '^(\w+?)_'"
        )


def group_of(pattern: str | None, path: PurePosixPath) -> str | None:
    """What the pattern's first bracket finds in a path; None without a pattern or a match."""
    found = re.search(pattern, path.as_posix()) if pattern is not None else None
    return found[1] if found else None


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """Nobody publishes people's own pictures."""
    del options
    return ()


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the pictures of the table in its order, or those of the class folders by path.

    See Reader.read.
    """
    tree = Tree(root, TITLE, _LAYOUT)
    tables = [path for path, _ in tree.take_named(r".*\.(csv|tsv)")]
    if tables:
        yield from _read_tables(tree, tables, options)
    else:
        yield from _read_folders(tree, options)
    yield from tree.finish("folders")


def _read_folders(tree: Tree, options: Options) -> Iterator[Sample]:
    pictures = tree.take_class_folders()
    stray = [path for path in tree.rest if is_picture(path)]
    if not any(expression for _, expression in pictures):
        names = sorted({path.parts[-2] for path in stray if len(path.parts) > 1})
        found = (
            f"{tree.root} has pictures, and no folder named after an expression" if stray else ""
        )
        if names:
            found += f" (but {', '.join(names[:6])})"
        raise tree.not_found(found)
    if stray:
        raise DatasetFormatError(
            f"{len(stray)} pictures below {tree.root} are in no folder that is named after an"
            f" expression, the first is {stray[0]}",
            "folders named anger, disgust, fear, happiness, sadness, surprise, neutral or contempt",
            "rename the folder, or call it 'none' to leave its pictures out",
        )
    ids = path_ids("folders", [path for path, _ in pictures])
    for path, expression in pictures:
        if expression is None:
            yield tree.left_out("folders", path, f"in the folder {path.parts[-2]}")
        else:
            picture = _Picture(path, [Face(expression)])
            yield _sample(tree, picture, ids[path], options)


def _read_tables(tree: Tree, tables: Sequence[PurePosixPath], options: Options) -> Iterator[Sample]:
    paths = [path for path, _ in tree.take_pictures(".*")]
    index = PictureIndex(tree.root, paths)
    pictures: dict[PurePosixPath, _Picture] = {}
    for place in tables:
        table = read_table(tree.root / place, "a table of pictures and labels", _HEADER)
        for row, picture in _read_rows(table, index, place.parent):
            _add(pictures, row, picture)
    if not any(path in pictures for path in paths):
        raise tree.not_found(f"none of the {len(pictures)} listed pictures is below {tree.root}")
    ids = path_ids("folders", list(pictures))
    for path, picture in pictures.items():
        if any(face.label for face in picture.faces):
            yield _sample(tree, picture, ids[path], options)
        else:
            yield tree.left_out("folders", path, "no labelled face")
    for path in paths:
        if path not in pictures:
            yield tree.left_out("folders", path, "not in the table")


def _sample(tree: Tree, picture: _Picture, sample_id: str, options: Options) -> Sample:
    path = picture.path
    return Sample(
        sample_id=sample_id,
        dataset="folders",
        picture=tree.picture(path),
        faces=tuple(picture.faces),
        split=picture.split or split_of_folders(path) or "train",
        framing="face_crop" if options.face_crops else "photo",
        group=picture.group or group_of(options.group_pattern, path),
        clip=picture.clip,
    )


def _read_rows(
    table: Table, index: PictureIndex, folder: PurePosixPath
) -> Iterator[tuple[Row, _Picture]]:
    name = table.column(NAME_WORDS)
    label = table.column(LABEL_WORDS)
    votes = {
        column: expression
        for column, word in enumerate(table.header)
        if (expression := EXPRESSION_WORDS.get(word)) is not None
    }
    if name is None or (label is None and len(votes) < 2):
        raise DatasetFormatError(
            f"{table.path} has the columns {', '.join(table.header) or 'of no header line'}",
            "a first line with the columns image and label, or image and one for each expression",
            "add or correct the first line",
        )
    box = next((words for words in _BOXES if set(words) <= set(table.header)), None)
    split, group = table.column(SPLIT_WORDS), table.column(GROUP_WORDS)
    clip, frame = table.column(("clip", "video")), table.column(("frame", "framenumber"))
    for row in table.rows:
        cells = row.cells
        path = index.find(cells[name]) or _absent(cells[name], folder, row)
        face = Face(
            _votes_label(row, votes) if votes else _word_label(row, label or 0),
            None if box is None else _box(table, row, box),
        )
        picture = _Picture(path, [face], first=row)
        if split is not None and cells[split]:
            picture.split = split_of_word(cells[split])
            if picture.split is None:
                raise row.error(f"split {cells[split]!r}", "train, val or test")
        if group is not None and cells[group]:
            picture.group = cells[group]
        if clip is not None and cells[clip]:
            number = whole_number(cells[frame]) if frame is not None else None
            if number is None:
                raise row.error(repr(row.text), "a frame number beside the clip")
            picture.clip = Clip(cells[clip], number)
        yield row, picture


def _add(pictures: dict[PurePosixPath, _Picture], row: Row, picture: _Picture) -> None:
    """Join a row with the picture's earlier ones; DatasetFormatError where they do not agree."""
    known = pictures.setdefault(picture.path, picture)
    if known is picture:
        return
    assert known.first is not None
    if any(face.box is None for face in (*known.faces, *picture.faces)):
        raise row.error(
            f"{picture.path} was listed before, on line {known.first.number}",
            "each picture once, or boxes for its faces",
        )
    if (known.split, known.group, known.clip) != (picture.split, picture.group, picture.clip):
        raise row.error(
            f"{picture.path} has another split, group or clip than on line {known.first.number}",
            "the same for all faces of a picture",
        )
    known.faces += picture.faces


def _absent(name: str, folder: PurePosixPath, row: Row) -> PurePosixPath:
    path = PurePosixPath(name.replace("\\", "/"))
    if not path.name or path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name:
        raise row.error(f"picture {name!r} is not below the folder", "a name or a relative path")
    return folder / path


def _word_label(row: Row, column: int) -> Expression | None:
    cell = row.cells[column]
    expression = expression_of_word(cell)
    if expression is None and cell and not names_no_expression(cell):
        raise row.error(f"label {cell!r}", "an expression's name, such as happy, or none")
    return expression


def _votes_label(row: Row, votes: Mapping[int, Expression]) -> Label | None:
    """The distribution of a row's votes; None without any."""
    meaning = "a number of votes in each expression's column"
    counts: dict[Expression, float] = {}
    for column, expression in votes.items():
        (count,) = row.numbers([column], meaning) if row.cells[column] else (0.0,)
        if count < 0:
            raise row.error(repr(row.text), meaning)
        counts[expression] = counts.get(expression, 0.0) + count
    if not any(counts.values()):
        return None
    label = LabelDistribution.from_votes(counts)
    return label if len(label.probabilities) > 1 else label.expression


def _box(table: Table, row: Row, words: Sequence[str]) -> FaceBox | None:
    columns = [table.header.index(word) for word in words]
    if not any(row.cells[column] for column in columns):
        return None
    x, y, right, bottom = row.numbers(columns, " ".join(words))
    if words in _SIZED_BOXES:
        right, bottom = x + right, y + bottom
    try:
        return FaceBox(x, y, right, bottom)
    except ValueError as error:
        raise row.error(str(error), " ".join(words)) from error
