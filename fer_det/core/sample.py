"""One picture of a raw data set, as its reader understands it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fer_det.core.box import FaceBox
from fer_det.core.label import Label
from fer_det.core.picture import PictureSource

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
IN_ALL = "in all"
"""All splits together, where a data set's authors count no others."""
Framing = Literal["photo", "face_crop"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Face:
    """A face of a sample, as the data set describes it."""

    label: Label | None
    """None: the face is ignored, neither a positive nor a negative example of anything."""
    box: FaceBox | None = None
    """The data set's own box in pixels of the picture; it may reach beyond the picture."""
    landmarks: tuple[Point, ...] = ()
    """The data set's own points (x, y) on the face, in pixels."""


@dataclass(frozen=True)
class Clip:
    """The video or image sequence that a picture is part of."""

    id: str
    """Unique within the data set."""
    frame: int
    """The frame's number inside the clip."""


LEFT_OUT = "left_out"
"""The attribute of a sample that is not converted; its value is the reason, as "contempt".

A reader yields such a sample for each picture that a rule of its own leaves out, so that the
converter can count them by reason. It has no labelled face.
"""


@dataclass(frozen=True)
class Sample:
    """A picture of a raw data set, before any face detection.

    A reader does not decode pictures, so `picture` may be absent or broken; the converter finds
    out and reports it.
    """

    sample_id: str
    """Unique over all data sets and made of [A-Za-z0-9_-]: it becomes the VOC image id."""
    dataset: str
    """The reader's name."""
    picture: PictureSource
    faces: tuple[Face, ...]
    """The faces that the data set describes. Others may be in the picture."""
    split: Split
    framing: Framing = "photo"
    """`face_crop` where the data set has already cut the picture tightly around one face."""
    group: str | None = None
    """Subject, film or character, unique within the data set: never divided between splits."""
    clip: Clip | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Whatever else the data set states (age, gender, fold), kept in the manifest."""
    made: bool = False
    """Whether the picture was rendered by make_faces in that data set's layout."""

    @property
    def database(self) -> str:
        """The picture's origin, as annotations and tables name it."""
        return database_name(self.dataset, self.made)

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels of the faces that have one, in the order of the faces."""
        return tuple(face.label for face in self.faces if face.label is not None)

    @property
    def left_out(self) -> str | None:
        """Why the sample is not converted, None for one that is."""
        return self.attributes.get(LEFT_OUT)

    def open(self) -> bytes:
        """The encoded picture; see PictureSource.read."""
        return self.picture.read()


MADE_RECORD = "made_faces.json"
"""A file in the root of a folder of made faces: the settings it was made with."""

MADE_CAUTION = "scores on made faces check that everything works and say nothing about people"

_MADE = ", made faces"


def database_name(dataset: str, made: bool) -> str:
    """'rafdb', or 'rafdb, made faces' for pictures that only share its layout."""
    return f"{dataset}{_MADE}" if made else dataset


def names_made_faces(databases: str) -> bool:
    """Whether one of the names that `database_name` gave, joined or alone, is of made faces."""
    return _MADE in databases
