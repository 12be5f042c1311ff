"""JAFFE: 213 photos of ten Japanese women, 256 x 256, gray, six expressions and neutral.

Lyons, Akamatsu, Kamachi and Gyoba, "Coding facial expressions with Gabor wavelets", FG 1998. The
file's name holds subject, expression and number: KA.AN1.39.tiff. Papers leave one subject out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fer_det.core.expression import Expression
from fer_det.core.sample import Face, Sample
from fer_det.errors import DatasetFormatError
from voc_builder.readers.tree import Tree

TITLE = "JAFFE"

EXPRESSIONS: Mapping[str, Expression] = {
    "AN": Expression.ANGER,
    "DI": Expression.DISGUST,
    "FE": Expression.FEAR,
    "HA": Expression.HAPPINESS,
    "NE": Expression.NEUTRAL,
    "SA": Expression.SADNESS,
    "SU": Expression.SURPRISE,
}

_LAYOUT = "JAFFE's pictures, named as KA.AN1.39.tiff"


@dataclass(frozen=True)
class Options:
    """How to read JAFFE."""

    test_subject: str | None = None
    """The subject of the test split, such as KA; null: all pictures train."""


def published(options: Options) -> Sequence[Mapping[str, int]]:
    """The count of the data set's read-me."""
    return [{"train": 213}] if options.test_subject is None else ()


def read(root: Path, options: Options) -> Iterator[Sample]:
    """Yield the pictures by name. See Reader.read."""
    tree = Tree(root, TITLE, _LAYOUT)
    pictures = tree.take_pictures(rf"([A-Z]{{2}})\.({'|'.join(EXPRESSIONS)})(\d+)\.(\d+)")
    if not pictures:
        raise tree.not_found()
    subjects = sorted({name[1].upper() for _, name in pictures})
    test = options.test_subject.upper() if options.test_subject else None
    if test not in (None, *subjects):
        raise DatasetFormatError(
            f"test_subject {options.test_subject} has no picture below {root}",
            f"one of {', '.join(subjects)}",
            "change --jaffe_options.test_subject",
        )
    for path, name in pictures:
        subject = name[1].upper()
        yield Sample(
            sample_id=f"jaffe_{'-'.join(path.stem.upper().split('.'))}",
            dataset="jaffe",
            picture=tree.picture(path),
            faces=(Face(EXPRESSIONS[name[2].upper()]),),
            split="test" if subject == test else "train",
            group=subject,
        )
    yield from tree.finish("jaffe")
