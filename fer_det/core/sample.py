"""One picture of a raw data set, as its reader understands it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression

Split = Literal["train", "test"]
Framing = Literal["photo", "face_crop"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Sample:
    """A labelled picture before any face has been looked for.

    A reader does not open pictures, so `image_path` may name a file that is absent or broken; the
    converter finds out and reports it.
    """

    sample_id: str
    """Unique over all data sets and made of [A-Za-z0-9_-]: it becomes the VOC image id."""
    dataset: str
    """The reader's name."""
    image_path: Path
    expression: Expression
    split: Split
    framing: Framing = "photo"
    """`face_crop` where the data set has already cut the picture tightly around the one face."""
    subject: str | None = None
    """Who is shown, unique within the data set; None where the data set does not tell."""
    face_box: FaceBox | None = None
    """The data set's own box of the labelled face."""
    landmarks: tuple[Point, ...] = ()
    """The data set's own points (x, y) on the labelled face, in pixels."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Whatever else the data set says (age, gender, fold, frame), kept in the manifest."""
    made: bool = False
    """Whether a program made the picture, in that data set's layout; nobody has this face."""

    @property
    def database(self) -> str:
        """What annotations and tables call the picture's origin."""
        return database_name(self.dataset, self.made)


MADE_RECORD = "made_faces.json"
"""The file in the root of a tree of made faces that names the settings it was made with."""

MADE_CAUTION = "scores on made faces check that everything works and say nothing about people"

_MADE = ", made faces"


def database_name(dataset: str, made: bool) -> str:
    """'rafdb', or 'rafdb, made faces' for pictures that only share its layout."""
    return f"{dataset}{_MADE}" if made else dataset


def names_made_faces(databases: str) -> bool:
    """Whether one of the names that `database_name` gave, joined or alone, is of made faces."""
    return _MADE in databases
