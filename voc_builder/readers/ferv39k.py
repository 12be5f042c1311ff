"""FERV39k: 38,935 clips of 22 scenes with seven expressions.

Wang et al., "FERV39k: a large-scale multi-scene dataset for facial expression recognition in
videos", CVPR 2022.

    2_ClipsforFaceCrop/Action/Sad/0010/*.jpg            frames cut around the face
    4_setups/All_scenes/{train,test}_All.csv            "Action/Sad/0010 Sad"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fer_det.core.expression import expression_of_word
from fer_det.core.sample import Sample, Split
from voc_builder.readers.clips import ClipOptions, ListedClip, clip_samples, take_clips
from voc_builder.readers.table import Row, read_rows, refuse_duplicates
from voc_builder.readers.tree import Tree

TITLE = "FERV39k"

_LAYOUT = "FERV39k's 2_ClipsforFaceCrop/ and 4_setups/All_scenes/{train,test}_All.csv"
_SPLITS: tuple[Split, ...] = ("train", "test")


@dataclass(frozen=True)
class Options(ClipOptions):
    """How to read FERV39k."""


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """The counts of the two lists could not be checked."""
    del options
    return ()


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the frames of the clips in the order of the lists. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    lists = {name[1].lower(): path for path, name in tree.take_named(r"(train|test)_All\.csv")}
    # Lists of single scenes.
    tree.know(r"(.*/)?4_setups/.*")
    if set(lists) != set(_SPLITS):
        raise tree.not_found(f"{root} lacks train_All.csv or test_All.csv")
    clips = {_key(path): (path, files) for path, files in take_clips(tree).items()}
    if not clips:
        raise tree.not_found(f"{root} holds the lists and no clips")
    home = _home(next(iter(clips.values()))[0])
    listed = [(split, row) for split in _SPLITS for row in _read_list(tree.root / lists[split])]
    refuse_duplicates((row.cells[0], row) for _, row in listed)
    for split, row in listed:
        place = PurePosixPath(row.cells[0])
        path, files = clips.pop(_key(place), (home / place, None))
        label = expression_of_word(row.cells[1])
        if label is None:
            raise row.error(f"label {row.cells[1]!r}", "an expression's name")
        name = "_".join(place.parts[-3:])
        clip = ListedClip(name, label, split, name, "face_crop", {"scene": place.parts[-3]})
        yield from clip_samples(tree, "ferv39k", clip, files, options, path / "1.jpg")
    for _, files in clips.values():
        yield tree.left_out("ferv39k", files.place, "a clip in no list")
    yield from tree.finish("ferv39k")


def _read_list(path: Path) -> Iterator[Row]:
    for row in read_rows(path, "FERV39k's list of clips"):
        place = PurePosixPath(row.cells[0])
        if len(row.cells) != 2 or len(place.parts) < 3 or ".." in place.parts or "\0" in row.text:
            raise row.error(repr(row.text), "a line such as Action/Sad/0010 Sad")
        yield row


def _key(path: PurePosixPath) -> str:
    """Scene, expression and number, in lower case."""
    return "/".join(path.parts[-3:]).lower()


def _home(path: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(*path.parts[:-3])
