"""AFEW 7.0: 1,156 clips of films with seven expressions, as aligned faces of their frames.

Dhall, Goecke, Lucey and Gedeon, "Collecting large, richly annotated facial-expression databases
from movies", IEEE MultiMedia 2012.

    Train_AFEW/Angry/000046280.avi                                  the clip, below its label
    Train_AFEW/AlignedFaces_LBPTOP_Points/Faces/000046280/*.jpg     its aligned frames
    Val_AFEW/...

The aligned frames are read; a clip without them is left out and counted, as it counts as an error
in a score. Papers report the validation split.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fer_det.core.expression import Expression, expression_of_word
from fer_det.core.sample import Clip, Face, Sample, Split
from fer_det.errors import ConfigError, DatasetFormatError
from voc_builder.readers.picture_index import is_picture, safe_id
from voc_builder.readers.tree import VIDEOS, Tree

TITLE = "AFEW"

_LAYOUT = "AFEW's {Train,Val}_AFEW/{Angry,...}/*.avi and AlignedFaces_LBPTOP_Points/Faces/"
_SPLITS: Mapping[str, Split] = {"train": "train", "val": "val", "test": "test"}


@dataclass(frozen=True)
class Options:
    """How to read AFEW."""

    every: int = 1
    """Take each n-th frame of a clip; 1: all."""

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError(f"every {self.every}", "a number from 1", "change it")


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """The authors count clips (773 train, 383 val), not frames."""
    del options
    return ()


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the frames by split, clip and number. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    clips = {key: (path, label) for path, (key, label) in tree.take(_parse_clip)}
    frames: dict[tuple[Split, str], list[tuple[int, PurePosixPath]]] = {}
    for path, (key, number) in tree.take(_parse_frame):
        frames.setdefault(key, []).append((number, path))
    if not clips or not frames:
        what = "clips and none of their aligned frames" if clips else "aligned frames and no clips"
        raise tree.not_found(f"{root} has {what}" if clips or frames else "")
    stray = sorted(set(frames) - set(clips))
    if stray:
        raise DatasetFormatError(
            f"{len(stray)} folders of aligned frames below {root} have no clip, the first is"
            f" {stray[0][1]}",
            "a clip in a folder that names its expression",
            "complete the copy of the data set",
        )
    for (split, name), (path, label) in clips.items():
        if (split, name) not in frames:
            yield tree.left_out("afew", path, "a clip without aligned frames", split)
            continue
        # Frames are not padded with zeros everywhere: by number.
        for number, frame in sorted(frames[split, name])[:: options.every]:
            clip = f"{split}_{name}"
            yield Sample(
                sample_id=safe_id("afew", f"{clip}_{frame.stem}"),
                dataset="afew",
                picture=tree.picture(frame),
                faces=(Face(label),),
                split=split,
                framing="face_crop",
                group=clip,
                clip=Clip(clip, number),
            )
    yield from tree.finish("afew")


def _split_of(path: PurePosixPath) -> Split | None:
    for folder in path.parts:
        found = re.fullmatch(r"(train|val|test)(_?afew)?", folder, re.IGNORECASE)
        if found:
            return _SPLITS[found[1].lower()]
    return None


def _parse_clip(path: PurePosixPath) -> tuple[tuple[Split, str], Expression] | None:
    label = expression_of_word(path.parts[-2]) if len(path.parts) > 1 else None
    split = _split_of(path)
    if path.suffix.lower() not in VIDEOS or label is None or split is None:
        return None
    return (split, path.stem), label


def _parse_frame(path: PurePosixPath) -> tuple[tuple[Split, str], int] | None:
    number = re.search(r"(\d+)$", path.stem)
    split = _split_of(path)
    if not is_picture(path) or len(path.parts) < 2 or split is None or number is None:
        return None
    return (split, path.parts[-2]), int(number[1])
