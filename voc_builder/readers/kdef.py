"""KDEF: 4,900 photos of 70 actors, seven expressions, two sessions, five angles, 562 x 762.

Lundqvist, Flykt and Ohman, "The Karolinska directed emotional faces", 1998. The file's name holds
session (A or B), sex, actor, expression and angle: AF01ANS.JPG is session A, female, actor 01,
angry, straight. The same actor is in both sessions. The averaged KDEF has other names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fer_det.core.expression import Expression
from fer_det.core.sample import Face, Sample
from voc_builder.readers.tree import Tree

TITLE = "KDEF"

EXPRESSIONS: Mapping[str, Expression] = {
    "AF": Expression.FEAR,
    "AN": Expression.ANGER,
    "DI": Expression.DISGUST,
    "HA": Expression.HAPPINESS,
    "NE": Expression.NEUTRAL,
    "SA": Expression.SADNESS,
    "SU": Expression.SURPRISE,
}

_ANGLES = {"frontal": ("S",), "half": ("S", "HL", "HR"), "all": ("S", "HL", "HR", "FL", "FR")}
_LAYOUT = "KDEF's pictures, named as AF01ANS.JPG"
_PICTURES_AN_ANGLE = 980


@dataclass(frozen=True)
class Options:
    """How to read KDEF."""

    angles: Literal["frontal", "half", "all"] = "frontal"
    """Which views: straight, also half turned to either side, or also full profiles."""


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """The count of the data set's description, 980 an angle."""
    return [{"train": _PICTURES_AN_ANGLE * len(_ANGLES[options.angles])}]


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the pictures by name. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    codes = "|".join(EXPRESSIONS)
    pictures = tree.take_pictures(rf"([AB])([FM]\d\d)({codes})(FL|FR|HL|HR|S)")
    if not pictures:
        raise tree.not_found()
    for path, name in pictures:
        angle = name[4].upper()
        if angle not in _ANGLES[options.angles]:
            yield tree.left_out("kdef", path, f"angle {angle}")
            continue
        yield Sample(
            sample_id=f"kdef_{path.stem.upper()}",
            dataset="kdef",
            picture=tree.picture(path),
            faces=(Face(EXPRESSIONS[name[3].upper()]),),
            split="train",
            group=name[2].upper(),
            attributes={"session": name[1].upper(), "angle": angle},
        )
    yield from tree.finish("kdef")
