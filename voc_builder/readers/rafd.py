"""RaFD, the Radboud faces database: 8,040 photos of 67 persons from five cameras.

Langner et al., "Presentation and validation of the Radboud Faces Database", Cognition and Emotion
2010. The file's name holds camera, person, kind, sex, expression and gaze:
Rafd090_01_Caucasian_female_angry_frontal.jpg.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fer_det.core.expression import Expression
from fer_det.core.sample import Face, Sample
from voc_builder.readers.tree import Tree

TITLE = "RaFD"

EXPRESSIONS: Mapping[str, Expression] = {
    "angry": Expression.ANGER,
    "contemptuous": Expression.CONTEMPT,
    "disgusted": Expression.DISGUST,
    "fearful": Expression.FEAR,
    "happy": Expression.HAPPINESS,
    "neutral": Expression.NEUTRAL,
    "sad": Expression.SADNESS,
    "surprised": Expression.SURPRISE,
}

_CAMERAS = {
    "frontal": ("090",),
    "half": ("045", "090", "135"),
    "all": ("000", "045", "090", "135", "180"),
}
_LAYOUT = "RaFD's pictures, named as Rafd090_01_Caucasian_female_angry_frontal.jpg"
_PERSONS, _GAZES = 67, 3


@dataclass(frozen=True)
class Options:
    """How to read RaFD."""

    cameras: Literal["frontal", "half", "all"] = "frontal"
    """Which views: from the front, also from half a turn to either side, or also profiles."""
    gaze: Literal["all", "frontal"] = "all"
    """Whether pictures in which the eyes look aside are used."""
    contempt: Literal["drop", "keep"] = "drop"
    """Whether contempt, which is not one of RAF-DB's seven, is an eighth class."""


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """67 persons x expressions x gazes x cameras."""
    expressions = len(EXPRESSIONS) - (options.contempt == "drop")
    gazes = _GAZES if options.gaze == "all" else 1
    return [{"train": _PERSONS * expressions * gazes * len(_CAMERAS[options.cameras])}]


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the pictures by name. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    words = "|".join(EXPRESSIONS)
    pictures = tree.take_pictures(
        rf"rafd(\d{{3}})_(\d+)_(\w+)_(male|female)_({words})_(left|frontal|right)"
    )
    if not pictures:
        raise tree.not_found()
    for path, name in pictures:
        camera, person, kind, sex, word, gaze = name.groups()
        expression = EXPRESSIONS[word.lower()]
        if camera not in _CAMERAS[options.cameras]:
            yield tree.left_out("rafd", path, f"camera {camera}")
        elif options.gaze == "frontal" and gaze.lower() != "frontal":
            yield tree.left_out("rafd", path, f"gaze {gaze.lower()}")
        elif expression is Expression.CONTEMPT and options.contempt == "drop":
            yield tree.left_out("rafd", path, "contempt")
        else:
            yield Sample(
                sample_id=f"rafd_{path.stem}",
                dataset="rafd",
                picture=tree.picture(path),
                faces=(Face(expression),),
                split="train",
                group=person,
                attributes={"camera": camera, "kind": kind, "sex": sex, "gaze": gaze.lower()},
            )
    yield from tree.finish("rafd")
