"""CMU Multi-PIE: 337 persons in four sessions, fifteen cameras, twenty flashes.

Gross, Matthews, Cohn, Kanade and Baker, "Multi-PIE", Image and Vision Computing 2010. The file's
name holds person, session, recording, camera and flash: 038_02_01_051_05.png. Session and recording
name the expression: neutral, smile, surprise, squint, disgust or scream. Squint and scream are none
of ours and are left out; there is no anger, fear or sadness.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fer_det.core.expression import Expression
from fer_det.core.sample import Face, Sample
from voc_builder.readers.tree import Tree

TITLE = "Multi-PIE"

EXPRESSIONS: Mapping[tuple[str, str], Expression | str] = {
    ("01", "01"): Expression.NEUTRAL,
    ("02", "01"): Expression.NEUTRAL,
    ("03", "01"): Expression.NEUTRAL,
    ("04", "01"): Expression.NEUTRAL,
    ("04", "02"): Expression.NEUTRAL,
    ("01", "02"): Expression.HAPPINESS,
    ("03", "02"): Expression.HAPPINESS,
    ("02", "02"): Expression.SURPRISE,
    ("02", "03"): "squint",
    ("03", "03"): Expression.DISGUST,
    ("04", "03"): "scream",
}
"""(session, recording) -> expression, or the word of one that is none of ours."""

FRONTAL = "051"

_LAYOUT = "Multi-PIE's pictures, named as 038_02_01_051_05.png"


@dataclass(frozen=True)
class Options:
    """How to read Multi-PIE."""

    cameras: Literal["frontal", "all"] = "frontal"
    """Only the frontal camera 051, or all."""
    flash: str | None = None
    """Only pictures of this flash, two digits such as 07; null: all."""


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """No counts of these choices are published."""
    del options
    return ()


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the pictures by path. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    pictures = tree.take_pictures(r"(\d{3})_(\d{2})_(\d{2})_(\d{3})_(\d{2})")
    if not pictures:
        raise tree.not_found()
    for path, name in pictures:
        person, session, recording, camera, flash = name.groups()
        expression = EXPRESSIONS.get((session, recording), "another recording")
        if camera != FRONTAL and options.cameras == "frontal":
            yield tree.left_out("multipie", path, "another camera")
        elif options.flash not in (None, flash):
            yield tree.left_out("multipie", path, "another flash")
        elif isinstance(expression, str):
            yield tree.left_out("multipie", path, expression)
        else:
            yield Sample(
                sample_id=f"multipie_{path.stem}",
                dataset="multipie",
                picture=tree.picture(path),
                faces=(Face(expression),),
                split="train",
                group=person,
                attributes={"session": session, "camera": camera, "flash": flash},
            )
    yield from tree.finish("multipie")
