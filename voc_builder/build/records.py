"""The manifest: one line of JSON for each source picture, written or rejected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from fer_det.core.label import Label, LabelDistribution, expression_of
from fer_det.core.sample import Sample
from fer_det.errors import DatasetFormatError
from fer_det.io.files import write_text
from voc_builder.build.faces import PlacedFace

Status = Literal["written", "rejected"]
Written = Literal["copied", "encoded"]


@dataclass(frozen=True)
class FaceRecord:
    """A labelled face of a picture."""

    expression: str
    """Of a soft label the most probable one."""
    probabilities: Mapping[str, float] | None = None
    """A soft label: expression -> probability; None for a hard label."""
    box: tuple[float, float, float, float] | None = None
    """(x_min, y_min, x_max, y_max), pixels from 0, max edge exclusive; None: not written."""
    box_source: str | None = None
    """"dataset" for the data set's own box, otherwise how MTCNN found it; see build/faces.py."""
    score: float | None = None
    """MTCNN's, 0..1; None for a box that is not MTCNN's."""
    reason: str | None = None
    """Why the face was not written, though its picture was."""

    @classmethod
    def of(cls, face: PlacedFace) -> FaceRecord:
        """The record of a placed face."""
        unplaced = cls.of_label(face.label)
        if face.box is None:
            return cls(unplaced.expression, unplaced.probabilities, reason=face.reason)
        x_min, y_min, x_max, y_max = (round(edge, 2) for edge in face.box.as_tuple())
        return cls(
            unplaced.expression,
            unplaced.probabilities,
            box=(x_min, y_min, x_max, y_max),
            box_source=face.source,
            score=None if face.score is None else round(face.score, 4),
        )

    @classmethod
    def of_label(cls, label: Label) -> FaceRecord:
        """The record of a face without a box."""
        return cls(expression_of(label).label, probabilities_by_name(label))


@dataclass(frozen=True)
class Record:
    """What became of one source picture."""

    id: str
    dataset: str
    source: str
    """The picture's name in the data set: a path relative to its folder, "fer2013.csv#123", ..."""
    sha256: str | None
    """Of the picture's bytes; None where they could not be read."""
    fingerprint: str | None
    """PictureSource.fingerprint when it was read."""
    status: Status
    reason: str | None
    """Why it was rejected."""
    split: str
    faces: tuple[FaceRecord, ...] = ()
    """The labelled faces, in the order of the annotation's objects."""
    ignored: int = 0
    """How many other faces the annotation marks as "ignore"."""
    picture: Written | None = None
    """Whether the picture has the source's bytes or was encoded again."""
    framing: str = "photo"
    group: str | None = None
    clip: str | None = None
    frame: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    sample_hash: str = ""
    """Of all that the data set states about the picture; see `hash_sample`."""

    @property
    def absent(self) -> bool:
        """Whether the source picture is absent, or cannot be read."""
        return self.sha256 is None

    @property
    def written_faces(self) -> tuple[FaceRecord, ...]:
        """The labelled faces in the annotation."""
        return tuple(face for face in self.faces if face.box is not None)

    @property
    def expression(self) -> str | None:
        """The expression of the labelled faces, None where they differ or there are none."""
        shown = {face.expression for face in self.faces}
        return shown.pop() if len(shown) == 1 else None

    def to_json(self) -> dict[str, Any]:
        """Field -> value, all of which JSON can hold, and the expression."""
        faces = [vars(face) for face in self.faces]
        attributes = dict(self.attributes)
        values = {**vars(self), "faces": faces, "attributes": attributes}
        return {**values, "expression": self.expression}

    def to_line(self) -> str:
        """One line of JSON, always the same for the same record."""
        return json.dumps(self.to_json(), ensure_ascii=False)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Record:
        """The record that `to_json` gave; TypeError or KeyError for anything else."""
        if not isinstance(values, Mapping):
            raise TypeError(f"a {type(values).__name__} and no object")
        known = {each.name for each in fields(cls)}
        values = {name: values[name] for name in values if name != "expression"}
        if set(values) != known:
            raise KeyError(f"fields {sorted(set(values) ^ known)}")
        faces = [
            FaceRecord(**{**face, "box": None if face["box"] is None else tuple(face["box"])})
            for face in values["faces"]
        ]
        return cls(**{**values, "faces": tuple(faces)})


def probabilities_by_name(label: Label) -> dict[str, float] | None:
    """Expression's name -> probability of a soft label, to six digits; None for a hard label.

    What rounds to 0 is left out: no annotation may hold it.
    """
    if not isinstance(label, LabelDistribution):
        return None
    rounded = {each.label: round(value, 6) for each, value in label.probabilities.items()}
    return {name: value for name, value in rounded.items() if value}


def hash_sample(sample: Sample) -> str:
    """A short hash of what the data set states about a picture: if it changes, so must its files.

    The data set's place on this machine is not part of it.
    """
    stated = {
        "id": sample.sample_id,
        "source": sample.picture.name,
        "faces": [
            (
                None if face.label is None else expression_of(face.label).label,
                None if face.label is None else probabilities_by_name(face.label),
                face.box and face.box.as_tuple(),
                face.landmarks,
            )
            for face in sample.faces
        ],
        "split": sample.split,
        "framing": sample.framing,
        "group": sample.group,
        "clip": sample.clip and (sample.clip.id, sample.clip.frame),
        "attributes": dict(sample.attributes),
    }
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()[:16]


def write_manifest(path: Path, records: Iterable[Record]) -> None:
    """Write the records in their order, whole or not at all."""
    write_text(path, "".join(f"{record.to_line()}\n" for record in records))


def read_manifest(path: Path) -> list[Record]:
    """Read a manifest; DatasetFormatError where a line is not a record."""
    records = []
    # Bytes that are no text fail as a line.
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            records.append(Record.from_json(json.loads(line)))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DatasetFormatError(
                f"{path}, line {number} is not a row of a manifest ({error})",
                "a manifest that build-voc wrote",
                "build the folder again with --overwrite",
            ) from error
    return records
