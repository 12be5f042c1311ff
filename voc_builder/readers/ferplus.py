"""FERPlus: the faces of FER2013 with the votes of ten annotators on eight expressions.

Barsoum, Zhang, Canton Ferrer and Zhang, "Training deep networks for facial expression recognition
with crowd-sourced label distribution", ICMI 2016. The votes and their order:

    fer2013new.csv      Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,
                        contempt,unknown,NF         row for row as fer2013.csv
    data/FER2013Train/{fer0000000.png,label.csv}    fer0000000.png,"(0, 0, 48, 48)",4,0,0,1,...

The pictures are files named as in the table, or the rows of fer2013.csv. A row without a name was
discarded by the authors. Their modes make labels of the votes; in all of them single votes are
outliers and removed first. Validation and test are scored in the mode `majority`, whatever the
training split has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from fer_det.core.expression import Expression
from fer_det.core.label import Label, LabelDistribution, expression_of
from fer_det.core.picture import PictureSource
from fer_det.core.sample import Face, Sample, Split
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.fer2013 import USAGES, take_pixel_tables
from voc_builder.readers.picture_index import PictureIndex
from voc_builder.readers.pixel_table import PixelRow, read_pixel_rows
from voc_builder.readers.table import REMEDY, Row, header_word, read_table
from voc_builder.readers.tree import Tree, left_out

TITLE = "FERPlus"
BOXES = "whole"

Mode = Literal["majority", "probability", "crossentropy", "multi_target"]

EXPRESSIONS = (
    Expression.NEUTRAL,
    Expression.HAPPINESS,
    Expression.SURPRISE,
    Expression.SADNESS,
    Expression.ANGER,
    Expression.DISGUST,
    Expression.FEAR,
    Expression.CONTEMPT,
)
"""The first eight columns of votes; the last two are unknown and NF (not a face)."""

_VOTES = len(EXPRESSIONS) + 2
_FOLDERS: Mapping[str, Split] = {
    "fer2013train": "train",
    "fer2013valid": "val",
    "fer2013test": "test",
}
_LAYOUT = "fer2013new.csv with fer2013.csv, or data/FER2013Train/{fer0000000.png,label.csv}"
_TRAIN = {
    "majority": 25_060,
    "probability": 27_956,
    "crossentropy": 27_956,
    "multi_target": 27_671,
}
_VAL, _TEST = 3_199, 3_153
_CONTEMPT = {"majority": 119, "probability": 160, "crossentropy": 160, "multi_target": 145}
"""Training pictures that show contempt; 13 of the validation and 16 of the test split do."""


@dataclass(frozen=True)
class Options:
    """How to read FERPlus."""

    mode: Mode = "majority"
    """How the training labels are made of the votes. majority: the expression with more than half
    of them. probability and crossentropy: the distribution of the votes for the most voted ones.
    multi_target: the distribution over the expressions with 30 % of the votes or more."""
    contempt: Literal["drop", "keep"] = "drop"
    """Whether contempt, which is not one of RAF-DB's seven, is an eighth class; dropped, its votes
    are removed, and pictures that show contempt are left out."""


@dataclass(frozen=True)
class _Face:
    """A row of votes."""

    row: Row
    name: str
    """The picture's file name; "" for a row that the authors discarded."""
    split: Split
    votes: tuple[float, ...]
    folder: PurePosixPath | None = None
    """The folder of label.csv."""


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """The authors' counts, with the pictures that show contempt or without them."""
    counts = {"train": _TRAIN[options.mode], "val": _VAL, "test": _TEST}
    contempt = {"train": _CONTEMPT[options.mode], "val": 13, "test": 16}
    dropped = options.contempt == "drop"
    return [{split: counts[split] - dropped * contempt[split] for split in counts}]


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the pictures in the order of the votes. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    faces = _read_votes(tree)
    pictures = _find_pictures(tree, faces)
    # Some copies of the votes have a name in two rows.
    times = Counter[str]()
    for face, picture in zip(faces, pictures, strict=True):
        stem = PurePosixPath(face.name).stem
        times[stem] += 1
        if not face.name:
            if picture is not None:
                yield left_out("ferplus", picture, "discarded by the authors", face.split)
            continue
        assert picture is not None
        mode = options.mode if face.split == "train" else "majority"
        label, reason = _decide(face.votes, mode, options)
        if label is None:
            yield left_out("ferplus", picture, reason, face.split)
            continue
        yield Sample(
            sample_id=f"ferplus_{stem}" if times[stem] == 1 else f"ferplus_{stem}_{times[stem]}",
            dataset="ferplus",
            picture=picture,
            faces=(Face(label),),
            split=face.split,
            framing="face_crop",
        )
    # FER2013's own folders may be beside the votes.
    tree.take_class_folders()
    yield from tree.finish("ferplus")


def label_of_votes(votes: Sequence[float], mode: Mode) -> Label | None:
    """The label that the authors' mode makes of ten counts; None for a discarded face.

    votes [10]: EXPRESSIONS, unknown, NF.
    """
    # A single vote is an outlier.
    counts = [count if count > 1 else 0.0 for count in votes]
    total = sum(counts)
    if mode == "majority":
        kept = {index: count for index, count in enumerate(counts) if count > total / 2}
    elif mode == "multi_target":
        kept = {index: count for index, count in enumerate(counts) if count >= 0.3 * total > 0}
        if sum(kept.values()) <= total / 2:
            return None
    else:
        kept = _most_voted(counts)
    best = max(kept, key=lambda index: (kept[index], -index), default=_VOTES)
    if best >= len(EXPRESSIONS):
        return None
    named: dict[Expression, float] = {
        EXPRESSIONS[index]: kept[index] for index in kept if index < len(EXPRESSIONS)
    }
    return LabelDistribution.from_votes(named) if len(named) > 1 else next(iter(named))


def _most_voted(counts: Sequence[float]) -> dict[int, float]:
    """The most voted columns, equals together, until they hold three quarters of the votes.

    At most three; unknown and NF end the search and count only where they are the most voted.
    Nothing where they hold no more than half of the votes, or equals make more than three.
    """
    total = sum(counts)
    kept: dict[int, float] = {}
    for level in sorted({count for count in counts if count}, reverse=True):
        if sum(kept.values()) >= 0.75 * total or len(kept) >= 3:
            break
        for index in (index for index, count in enumerate(counts) if count == level):
            if index >= len(EXPRESSIONS):
                kept = kept or {index: level}
                return kept if sum(kept.values()) > total / 2 and len(kept) <= 3 else {}
            kept[index] = level
    return kept if sum(kept.values()) > total / 2 and len(kept) <= 3 else {}


def _decide(votes: Sequence[float], mode: Mode, options: Options) -> tuple[Label | None, str]:
    """(label, why there is none)."""
    label = label_of_votes(votes, mode)
    if label is None:
        uncertain = max(votes[len(EXPRESSIONS) :]) >= max(votes)
        return None, "unknown or not a face" if uncertain else "no expression has enough votes"
    if options.contempt == "keep":
        return label, ""
    if expression_of(label) is Expression.CONTEMPT:
        return None, "contempt"
    if isinstance(label, LabelDistribution) and Expression.CONTEMPT in label.probabilities:
        rest = dict(label.probabilities)
        del rest[Expression.CONTEMPT]
        return (LabelDistribution.from_votes(rest) if len(rest) > 1 else next(iter(rest))), ""
    return label, ""


def _read_votes(tree: Tree) -> list[_Face]:
    """The votes of fer2013new.csv, or of the label.csv of each folder, train first."""
    tables = [path for path, _ in tree.take_named(r"fer2013new\.csv")]
    lists = [path for path, _ in tree.take_named(r"label\.csv")]
    if tables:
        return _read_new_table(tree, tables[0])
    faces = []
    order = list(_FOLDERS)
    known = {path: path.parent.name.lower() for path in lists}
    for path in sorted(
        (path for path in lists if known[path] in order), key=lambda p: order.index(known[p])
    ):
        for row in read_table(tree.root / path, "FERPlus's list of votes").rows:
            if len(row.cells) != 2 + _VOTES:
                raise row.error(repr(row.text), f"a name, a box and {_VOTES} counts")
            votes = _votes(row, range(2, 2 + _VOTES))
            faces.append(_Face(row, row.cells[0], _FOLDERS[known[path]], votes, path.parent))
    if not faces:
        raise tree.not_found(f"{tree.root} holds no fer2013new.csv and no label.csv")
    return faces


def _read_new_table(tree: Tree, path: PurePosixPath) -> list[_Face]:
    names = [header_word(each.label) for each in EXPRESSIONS] + ["unknown", "nf"]
    table = read_table(tree.root / path, "FERPlus's table of votes", ("usage",))
    words = ("usage", "imagename", *names)
    if not set(words) <= set(table.header) or not table.rows:
        raise DatasetFormatError(
            f"{table.path} has the columns {', '.join(table.header) or 'of no header line'}",
            "Usage, Image name and the ten kinds of votes",
            "copy the file again",
        )
    usage, name, *columns = (table.header.index(word) for word in words)
    faces = []
    for row in table.rows:
        split = USAGES.get(row.cells[usage].lower())
        if split is None:
            raise row.error(f"usage {row.cells[usage]!r}", "Training, PublicTest or PrivateTest")
        faces.append(_Face(row, row.cells[name], split, _votes(row, columns)))
    return faces


def _votes(row: Row, columns: Sequence[int]) -> tuple[float, ...]:
    votes = row.numbers(columns, "counts of votes")
    if min(votes) < 0:
        raise row.error(repr(row.text), "counts of votes from 0", REMEDY)
    return votes


def _find_pictures(tree: Tree, faces: Sequence[_Face]) -> list[PictureSource | None]:
    """The picture of each face, by its name or by its row; None for a discarded one without."""
    files = [path for path, _ in tree.take_pictures(r"fer\d+")]
    tables = take_pixel_tables(tree)
    if files:
        index = PictureIndex(tree.root, files)
        home = files[0].parent
        found: list[PictureSource | None] = []
        for face in faces:
            name = f"{face.folder}/{face.name}" if face.folder else face.name
            path = index.find(name) or (face.folder or home) / face.name
            found.append(tree.picture(path) if face.name else None)
        return found
    if not tables:
        raise tree.not_found(
            f"{tree.root} has FERPlus's votes and neither pictures nor fer2013.csv"
        )
    return list(_rows_beside(tree, tables[0], faces))


def _rows_beside(tree: Tree, path: PurePosixPath, faces: Sequence[_Face]) -> Iterator[PixelRow]:
    """FER2013's rows, which have to be the same as those of the votes."""
    rows = list(read_pixel_rows(tree.root / path, path.as_posix()))
    same = len(rows) == len(faces) and all(
        USAGES.get(cells.get("usage", "").lower()) == face.split
        for (cells, _), face in zip(rows, faces, strict=True)
    )
    if not same:
        raise DatasetNotFoundError(
            f"{tree.root / path} has {len(rows)} rows and the votes have {len(faces)}, or their"
            " usages differ",
            "a table of pixels and a table of votes that belong together, row for row",
            "copy both files again",
        )
    return (picture for _, picture in rows)
