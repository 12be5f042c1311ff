"""SFEW 2.0: stills of films with seven expressions, split by subject.

Dhall, Goecke, Lucey and Gedeon, "Static facial expression analysis in tough conditions", ICCV
workshops 2011.

    Train/Train_Aligned_Faces/Angry/Airheads_000519240_00000005.png     143 x 181 crops
    Val/Val_Aligned_Faces/Angry/...                                     or Val_Aligned_Faces_new
    Train/Angry/..., Val/Angry/...                                      whole stills
    Test/...                                                            without labels

The film is the name up to the first _. Papers report the validation split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from fer_det.core.sample import Face, Framing, Sample, Split
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from voc_builder.readers.class_names import split_of_folders
from voc_builder.readers.picture_index import path_ids
from voc_builder.readers.tree import Tree, groups_in_two_splits

TITLE = "SFEW"

_LAYOUT = "SFEW's {Train,Val}/{Train,Val}_Aligned_Faces/{Angry,Disgust,...}"


@dataclass(frozen=True)
class Options:
    """How to read SFEW."""

    images: Literal["auto", "aligned", "original"] = "auto"
    """Which pictures: aligned crops, whole stills, or (auto) crops if there are any."""


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """The counts of the data set could not be checked."""
    del options
    return ()


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the labelled pictures by path. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    found = tree.take_class_folders()
    aligned = [each for each in found if _is_aligned(each[0])]
    original = [each for each in found if not _is_aligned(each[0])]
    pictures = original if options.images == "original" else aligned or original
    if not pictures and found:
        raise DatasetNotFoundError(
            f"{root} holds no {options.images} pictures", _LAYOUT, "choose other images"
        )
    if not pictures:
        raise tree.not_found()
    framing: Framing = "face_crop" if pictures is aligned else "photo"
    splits = {path: _split_of(tree, path) for path, _ in pictures}
    divided = groups_in_two_splits(TITLE, "films", [(_film(path), splits[path]) for path in splits])
    ids = path_ids("sfew", [path for path, _ in pictures])
    for path, expression in pictures:
        if expression is None:
            yield tree.left_out("sfew", path, "no expression")
            continue
        film = _film(path)
        yield Sample(
            sample_id=ids[path],
            dataset="sfew",
            picture=tree.picture(path),
            faces=(Face(expression),),
            split=splits[path],
            framing=framing,
            group=None if film in divided else film,
            attributes={"film": film},
        )
    for path, _ in tree.take_pictures(".*"):
        if split_of_folders(path) != "test":
            raise DatasetFormatError(
                f"{root / path} is in no folder named after an expression",
                _LAYOUT,
                "complete the copy of the data set",
            )
        yield tree.left_out("sfew", path, "no label", "test")
    yield from tree.finish("sfew")


def _film(path: PurePosixPath) -> str:
    return path.name.partition("_")[0]


def _is_aligned(path: PurePosixPath) -> bool:
    return any("aligned" in folder.lower() for folder in path.parts[:-1])


def _split_of(tree: Tree, path: PurePosixPath) -> Split:
    split = split_of_folders(path)
    if split is None:
        raise DatasetFormatError(
            f"{tree.root / path} is in no folder named Train or Val",
            _LAYOUT,
            "give the folder that holds Train/ and Val/",
        )
    return split
