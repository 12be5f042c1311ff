"""MAFW: 10,045 clips of films, series and shows; 11 single expressions, in five folds.

Liu et al., "MAFW: a large-scale, multi-modal, compound affective database for dynamic facial
expression recognition in the wild", ACM Multimedia 2022.

    data/frames/00001/*.png, or data/clips/00001.mp4
    Train & Test Set/single/no_caption/set_1/{train,test}.txt           "00001.mp4 anger"

Anxiety, helplessness and disappointment are none of our expressions and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from fer_det.core.expression import Expression, expression_of_word
from fer_det.core.sample import Sample, Split
from fer_det.errors import ConfigError
from voc_builder.readers.clips import (
    ClipOptions,
    ListedClip,
    clip_samples,
    one_form,
    take_clips,
)
from voc_builder.readers.table import Row, read_rows, refuse_duplicates
from voc_builder.readers.tree import Tree

TITLE = "MAFW"

OTHER_EXPRESSIONS = frozenset(("anxiety", "helplessness", "disappointment"))
FOLDS = 5

_LAYOUT = "MAFW's data/frames/ and single/no_caption/set_{1..5}/{train,test}.txt"
_SPLITS: tuple[Split, ...] = ("train", "test")
_FORMS = ("frames", "clips")


@dataclass(frozen=True)
class Options(ClipOptions):
    """How to read MAFW."""

    fold: int = 1
    """Which of the five folds, 1 to 5, is the test split; the others train."""
    contempt: Literal["drop", "keep"] = "drop"
    """Whether clips that show contempt, which is not one of RAF-DB's seven, are used."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.fold <= FOLDS:
            raise ConfigError(f"fold {self.fold}", f"a fold from 1 to {FOLDS}", "change it")


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """The authors count clips of all folds together, not those of a split."""
    del options
    return ()


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the frames of the clips in the order of the lists. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    lists = {
        name[1].lower(): path
        for path, name in tree.take_named(r"(train|test)\.txt")
        if path.parent.name.lower() == f"set_{options.fold}"
        and [folder.lower() for folder in path.parts[-4:-2]] == ["single", "no_caption"]
    }
    if set(lists) != set(_SPLITS):
        raise tree.not_found(f"{root} lacks train.txt or test.txt of set_{options.fold}")
    found = one_form(take_clips(tree), _FORMS)
    clips = {path.name.lower(): (path, files) for path, files in found.items()}
    if not clips:
        raise tree.not_found(f"{root} holds the lists and no clips")
    home = next(iter(found)).parent
    listed = [(split, row) for split in _SPLITS for row in _read_list(tree.root / lists[split])]
    refuse_duplicates((row.cells[0].lower(), row) for _, row in listed)
    for split, row in listed:
        name = PurePosixPath(row.cells[0]).stem
        path, files = clips.pop(name.lower(), (home / name, None))
        label = _label(row, options)
        if isinstance(label, str):
            place = path / "1.png" if files is None else files.place
            yield tree.left_out("mafw", place, label, split)
            continue
        clip = ListedClip(name, label, split, name, "photo")
        yield from clip_samples(tree, "mafw", clip, files, options, path / "1.png")
    for _, files in clips.values():
        yield tree.left_out("mafw", files.place, "a clip without a single label")
    yield from tree.finish("mafw")


def _read_list(path: Path) -> Iterator[Row]:
    for row in read_rows(path, "MAFW's list of clips"):
        name = PurePosixPath(row.cells[0])
        if len(row.cells) != 2 or len(name.parts) != 1 or name.stem in ("", ".."):
            raise row.error(repr(row.text), "a line such as 00001.mp4 anger")
        yield row


def _label(row: Row, options: Options) -> Expression | str:
    """The clip's expression, or why it is left out."""
    word = row.cells[1].lower()
    if word in OTHER_EXPRESSIONS:
        return word
    label = expression_of_word(word)
    if label is None:
        raise row.error(f"label {row.cells[1]!r}", "one of the 11 expressions by its name")
    if label is Expression.CONTEMPT and options.contempt == "drop":
        return "contempt"
    return label
