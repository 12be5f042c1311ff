"""TFD, the Toronto face database: 4,178 labelled gray faces of other data sets, 48 x 48.

Susskind, Anderson and Hinton, "The Toronto face database", 2010. TFD_48x48.mat holds images
[N, 48, 48], labs_ex [N] (-1, 1..7), labs_id [N] and folds [N, 5] (0 unlabelled, 1 train, 2 valid,
3 test). It contains faces of KDEF, JAFFE, CK+ and MMI, so it is no independent test beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from fer_det.core.expression import Expression
from fer_det.core.sample import IN_ALL, Face, Sample, Split
from fer_det.errors import ConfigError, DatasetFormatError, DatasetNotFoundError, ImageError
from voc_builder.readers.tree import Tree

TITLE = "TFD"
BOXES = "whole"

EXPRESSIONS: Mapping[int, Expression] = {
    1: Expression.ANGER,
    2: Expression.DISGUST,
    3: Expression.FEAR,
    4: Expression.HAPPINESS,
    5: Expression.SADNESS,
    6: Expression.SURPRISE,
    7: Expression.NEUTRAL,
}

_SPLITS: Mapping[int, Split] = {1: "train", 2: "val", 3: "test"}
_LAYOUT = "TFD_48x48.mat or TFD_96x96.mat"
_ARRAYS = ("images", "labs_ex", "labs_id", "folds")


@dataclass(frozen=True)
class Options:
    """How to read TFD."""

    fold: int = 1
    """Which of the five published divisions into train, validation and test."""

    def __post_init__(self) -> None:
        if not 1 <= self.fold <= 5:
            raise ConfigError(f"fold {self.fold}", "a fold from 1 to 5", "change it")


@dataclass(frozen=True)
class MatPicture:
    """A gray picture in the array `images` of a .mat file."""

    path: Path
    name: str
    """The file's path below the data set's folder and the row from 0: "TFD_48x48.mat#3"."""
    row: int

    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.is_file()

    def fingerprint(self) -> str | None:
        """The size of the file."""
        return f"{self.path.stat().st_size} bytes" if self.exists() else None

    def read(self) -> bytes:
        """The picture as a PGM file; DatasetNotFoundError or ImageError where that cannot be."""
        try:
            pixels = _load(self.path)["images"][self.row]
        except (DatasetFormatError, IndexError) as error:
            raise ImageError(
                f"{self.name} could not be read ({error})", "a picture", "copy the file again"
            ) from error
        height, width = pixels.shape
        return f"P5 {width} {height} 255\n".encode() + bytes(pixels.astype("uint8").tobytes())


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """The labelled faces in all; the divisions differ in their counts."""
    del options
    return ({IN_ALL: 4_178},)


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the labelled faces by row. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    files = [path for path, _ in tree.take_named(r"TFD_\d+x\d+\.mat")]
    if not files:
        raise tree.not_found()
    path = files[0]
    arrays = _load(tree.root / path)
    for row, code in enumerate(arrays["labs_ex"].ravel().tolist()):
        expression = EXPRESSIONS.get(int(code))
        split = _SPLITS.get(int(arrays["folds"][row, options.fold - 1]))
        if expression is not None and split is not None:
            yield _sample(tree, path, row, expression, split, int(arrays["labs_id"].ravel()[row]))
    for other in files[1:]:
        yield tree.left_out("tfd", other, f"the same as {path.name}")
    yield from tree.finish("tfd")


def _sample(
    tree: Tree, path: PurePosixPath, row: int, expression: Expression, split: Split, identity: int
) -> Sample:
    return Sample(
        sample_id=f"tfd_{row:06d}",
        dataset="tfd",
        picture=MatPicture(tree.root / path, f"{path.as_posix()}#{row}", row),
        faces=(Face(expression),),
        split=split,
        framing="face_crop",
        group=str(identity) if identity >= 0 else None,
    )


@lru_cache(maxsize=1)
def _load(path: Path) -> dict[str, Any]:
    """The four arrays. Raises DatasetNotFoundError and DatasetFormatError."""
    wanted = f"a MATLAB file with {', '.join(_ARRAYS)}"
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise DatasetFormatError(
            "scipy is not installed", "what reads MATLAB's files", "pip install scipy"
        ) from error
    try:
        arrays = loadmat(path, variable_names=_ARRAYS)
        found = {name: arrays[name] for name in _ARRAYS}
    except FileNotFoundError as error:
        raise DatasetNotFoundError(f"{path} is absent", wanted, "check the path") from error
    # Whatever the parser of a damaged file stumbles on.
    except Exception as error:
        raise DatasetFormatError(
            f"{path} could not be read ({str(error)[:60]})", wanted, "copy the file again"
        ) from error
    if found["images"].ndim != 3 or len(found["folds"]) != len(found["images"]):
        raise DatasetFormatError(
            f"{path} holds images of shape {found['images'].shape}", wanted, "copy the file again"
        )
    return found
