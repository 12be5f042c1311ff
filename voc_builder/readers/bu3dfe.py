"""BU-3DFE: 100 persons, six expressions at four intensities and neutral; the 2D pictures.

Yin, Wei, Sun, Wang and Rosato, "A 3D facial expression database for facial behavior research", FG
2006. The file's name holds person, expression, intensity and kind: F0001_AN01WH_F2D.bmp.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fer_det.core.expression import Expression
from fer_det.core.sample import Face, Sample
from fer_det.errors import ConfigError
from voc_builder.readers.jaffe import EXPRESSIONS
from voc_builder.readers.tree import Tree

TITLE = "BU-3DFE"

_LAYOUT = "BU-3DFE's pictures, named as F0001/F0001_AN01WH_F2D.bmp"
_PERSONS, _LEVELS = 100, 4


@dataclass(frozen=True)
class Options:
    """How to read BU-3DFE."""

    min_level: int = 1
    """Least intensity that is used, 1 to 4; papers often take 3 and 4."""

    def __post_init__(self) -> None:
        if not 1 <= self.min_level <= _LEVELS:
            raise ConfigError(f"min_level {self.min_level}", "a level from 1 to 4", "change it")


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """100 persons x (6 expressions x intensities + neutral)."""
    return [{"train": _PERSONS * (6 * (_LEVELS + 1 - options.min_level) + 1)}]


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the pictures by name. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    codes = "|".join(EXPRESSIONS)
    # The 3D data and their textures from the sides are beside the frontal pictures.
    tree.know(r".*\.(wrl|bnd|pse)")
    pictures = tree.take_pictures(rf"([FM]\d{{4}})_({codes})(0[0-4])([A-Z]{{2}})_F2D")
    if not pictures:
        raise tree.not_found()
    for path, _ in tree.take_pictures(rf"[FM]\d{{4}}_({codes})0[0-4][A-Z]{{2}}_F3D"):
        yield tree.left_out("bu3dfe", path, "a texture of the 3D model")
    for path, name in pictures:
        level, expression = int(name[3]), EXPRESSIONS[name[2].upper()]
        if expression is not Expression.NEUTRAL and level < options.min_level:
            yield tree.left_out("bu3dfe", path, f"level {level}")
            continue
        yield Sample(
            sample_id=f"bu3dfe_{path.stem}",
            dataset="bu3dfe",
            picture=tree.picture(path),
            faces=(Face(expression),),
            split="train",
            group=name[1].upper(),
            attributes={"level": str(level), "kind": name[4].upper()},
        )
    yield from tree.finish("bu3dfe")
