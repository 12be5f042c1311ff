"""DFEW: 16,372 clips of films, 11,697 of them with one of seven expressions, in five folds.

Jiang et al., "DFEW: a large-scale database for recognizing dynamic facial expressions in the wild",
ACM Multimedia 2020.

    Clip/clip_224x224_16f/1/1.jpg ... 16.jpg            16 aligned frames of a clip
    Clip/clip_224x224/00001/*.jpg                       all aligned frames
    Clip/original/1.mp4                                 the clip
    EmoLabel_DataSplit/train(single-labeled)/set_1.csv  "video_name,label"
    EmoLabel_DataSplit/test(single-labeled)/set_1.csv

Papers report the mean over the five folds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fer_det.core.expression import Expression
from fer_det.core.sample import IN_ALL, Framing, Sample, Split
from fer_det.errors import ConfigError
from voc_builder.readers.clips import (
    ClipOptions,
    ListedClip,
    clip_samples,
    one_form,
    take_clips,
)
from voc_builder.readers.table import Row, read_table, refuse_duplicates, whole_number
from voc_builder.readers.tree import Tree

TITLE = "DFEW"

EXPRESSIONS: Mapping[int, Expression] = {
    1: Expression.HAPPINESS,
    2: Expression.SADNESS,
    3: Expression.NEUTRAL,
    4: Expression.ANGER,
    5: Expression.SURPRISE,
    6: Expression.DISGUST,
    7: Expression.FEAR,
}
FOLDS = 5

_LAYOUT = "DFEW's Clip/ and EmoLabel_DataSplit/{train,test}(single-labeled)/set_{1..5}.csv"
_SPLITS: tuple[Split, ...] = ("train", "test")
_FORMS = ("224x224_16f", "224x224", "original")


@dataclass(frozen=True)
class Options(ClipOptions):
    """How to read DFEW."""

    fold: int = 1
    """Which of the five folds, 1 to 5, is the test split; the others train."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.fold <= FOLDS:
            raise ConfigError(f"fold {self.fold}", f"a fold from 1 to {FOLDS}", "change it")


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """The authors count clips with a single label, not those of a split; one frame of each."""
    return ({IN_ALL: 11_697},) if options.count == 1 else ()


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the frames of the clips in the order of the lists. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    lists = {
        split: path
        for path, _ in tree.take_named(rf"set_{options.fold}\.csv")
        if (split := _split_of(path)) is not None
    }
    tree.know(r"(.*/)?(EmoLabel_DataSplit|Annotation|annotations?)/.*")
    if set(lists) != {"train", "test"}:
        raise tree.not_found(f"{root} lacks the two lists set_{options.fold}.csv")
    found = one_form(take_clips(tree), _FORMS)
    clips = {
        number: (key, files)
        for key, files in found.items()
        if (number := whole_number(key.name)) is not None
    }
    if not clips:
        raise tree.not_found(f"{root} holds no clips named by their numbers")
    home = next(iter(clips.values()))[0].parent
    listed = [
        (number, split, row, column)
        for split in _SPLITS
        for number, row, column in _read_list(tree.root / lists[split])
    ]
    refuse_duplicates((f"clip {number}", row) for number, _, row, _ in listed)
    for number, split, row, column in listed:
        key, files = clips.get(number, (home / str(number), None))
        found.pop(key, None)
        label = EXPRESSIONS[row.integer(column, tuple(EXPRESSIONS), "label")]
        framing: Framing = "face_crop" if "224x224" in home.name else "photo"
        name = f"{number:05d}"
        clip = ListedClip(name, label, split, name, framing)
        yield from clip_samples(tree, "dfew", clip, files, options, key / "1.jpg")
    for files in found.values():
        yield tree.left_out("dfew", files.place, "a clip without a single label")
    yield from tree.finish("dfew")


def _split_of(path: PurePosixPath) -> Split | None:
    """By the folder, train(single-labeled) or test(single-labeled)."""
    folder = path.parent.name.lower()
    if "multi" in folder:
        return None
    return next((split for split in _SPLITS if folder.startswith(split)), None)


def _read_list(path: Path) -> Iterator[tuple[int, Row, int]]:
    """(clip's number, row, column of the label) of each line."""
    table = read_table(path, "DFEW's list of clips", ("videoname", "label"))
    name, label = (table.column((word,)) for word in ("videoname", "label"))
    for row in table.rows:
        number = whole_number(row.cells[name or 0].split(".")[0])
        if number is None or len(row.cells) < 2:
            raise row.error(repr(row.text), "a clip's number and a label")
        yield number, row, 1 if label is None else label
