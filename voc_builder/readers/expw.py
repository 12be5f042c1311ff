"""ExpW, expression in the wild: photos found by web search, 91,793 labelled faces.

Zhang, Luo, Loy and Tang, "From facial expression recognition to interpersonal relation prediction",
IJCV 2018. A photo may show several labelled faces:

    label.lst           image_name face_id top left right bottom confidence label
    image/origin/       the photos

The labels are FER2013's numbers. The list repeats some rows. There are no splits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.sample import Face, Sample
from fer_det.errors import ConfigError, DatasetFormatError
from voc_builder.readers.fer2013 import EXPRESSIONS
from voc_builder.readers.picture_index import PictureIndex, safe_id
from voc_builder.readers.table import REMEDY, Row, read_rows
from voc_builder.readers.tree import Tree

TITLE = "ExpW"

_LAYOUT = "ExpW's label.lst and image/origin/"
_COLUMNS = "image_name face_id top left right bottom confidence label"
_Faces = dict[tuple[float, ...], Expression | None]


@dataclass(frozen=True)
class Options:
    """How to read ExpW."""

    min_confidence: float = 0.0
    """Faces with a lower confidence of their detection, 0 to 100, are ignored."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_confidence <= 100:
            raise ConfigError(
                f"min_confidence {self.min_confidence}", "a number from 0 to 100", "change it"
            )


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """The authors count faces, not pictures."""
    del options
    return ()


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the pictures in the order of the list, each with all its faces. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    lists = [path for path, _ in tree.take_named(r"label\.lst")]
    if not lists:
        raise tree.not_found(f"{root} holds no label.lst")
    faces = _read_list(tree.root / lists[0], options)
    paths = [path for path, _ in tree.take_pictures(".*")]
    index = PictureIndex(tree.root, paths)
    if not any(index.find(name) for name in faces):
        raise tree.not_found(f"none of the {len(faces)} listed pictures is below {root}")
    used = set()
    home = paths[0].parent
    for name, own in faces.items():
        path = index.find(name) or home / name
        used.add(path)
        if not any(own.values()):
            yield tree.left_out("expw", path, "no labelled face")
            continue
        yield Sample(
            sample_id=safe_id("expw", PurePosixPath(name).stem),
            dataset="expw",
            picture=tree.picture(path),
            faces=tuple(Face(label, FaceBox(*edges)) for edges, label in own.items()),
            split="train",
        )
    for path in paths:
        if path not in used:
            yield tree.left_out("expw", path, "not in the list")
    yield from tree.finish("expw")


def _read_list(path: Path, options: Options) -> dict[str, _Faces]:
    """Picture's name -> box -> expression; None for a face that is ignored."""
    faces: dict[str, _Faces] = {}
    for row in read_rows(path, "ExpW's list of faces"):
        if len(row.cells) != 8:
            raise row.error(repr(row.text), f"8 columns: {_COLUMNS}")
        name = row.cells[0]
        if "/" in name or "\\" in name or name in ("", "..") or "\0" in name:
            raise row.error(f"name {name!r}", "a plain file name")
        edges, confidence = _read_face(row)
        label: Expression | None = EXPRESSIONS[row.integer(7, tuple(EXPRESSIONS), "label")]
        if confidence < options.min_confidence:
            label = None
        own = faces.setdefault(name, {})
        if edges in own and own[edges] is not label:
            # The same face with two labels.
            label = None
        own[edges] = label
    if not faces:
        raise DatasetFormatError(f"{path} is empty", f"lines of {_COLUMNS}", REMEDY)
    return faces


def _read_face(row: Row) -> tuple[tuple[float, ...], float]:
    top, left, right, bottom, confidence = row.numbers(range(2, 7), "a box and a confidence")
    if right <= left or bottom <= top:
        raise row.error(repr(row.text), "top < bottom and left < right")
    return (left, top, right, bottom), confidence
