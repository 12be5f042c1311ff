"""The manifest: one line of JSON for each source picture, written or rejected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from fer_det.core.sample import Sample
from fer_det.errors import DatasetFormatError
from fer_det.io.files import write_text

Status = Literal["written", "rejected"]
Written = Literal["copied", "encoded"]


@dataclass(frozen=True)
class Record:
    """What became of one source picture."""

    id: str
    dataset: str
    source: str
    """Path relative to the data set's folder, with slashes."""
    sha256: str | None
    """Of the source file's bytes; None where it could not be read."""
    bytes: int | None
    """Size of the source file."""
    status: Status
    reason: str | None
    """Why it was rejected."""
    split: str
    expression: str
    box: tuple[float, float, float, float] | None = None
    """Of the labelled face: (x_min, y_min, x_max, y_max), pixels from 0, max edge exclusive."""
    box_source: str | None = None
    """"dataset" for the data set's own box, otherwise by which of MTCNN's means it was found."""
    score: float | None = None
    """MTCNN's, 0..1; None for a box that is not MTCNN's."""
    ignored: int = 0
    """How many other faces the annotation marks as "ignore"."""
    picture: Written | None = None
    """Whether the picture is the source's bytes or was encoded anew."""
    framing: str = "photo"
    subject: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    sample_hash: str = ""
    """Of all that the data set says of the picture; see `hash_sample`."""

    @property
    def absent(self) -> bool:
        """Whether the source file is not there, or cannot be read."""
        return self.sha256 is None

    def to_json(self) -> dict[str, Any]:
        """Field -> value, all of which JSON can hold."""
        return {**vars(self), "attributes": dict(self.attributes)}

    def to_line(self) -> str:
        """One line of JSON, always the same for the same record."""
        return json.dumps(self.to_json(), ensure_ascii=False)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Record:
        """The record that `to_json` gave; TypeError or KeyError for anything else."""
        box = values["box"]
        known = {each.name for each in fields(cls)}
        if set(values) != known:
            raise KeyError(f"fields {sorted(set(values) ^ known)}")
        return cls(**{**values, "box": None if box is None else tuple(box)})


def hash_sample(sample: Sample, source: str) -> str:
    """A short hash of what the data set says of a picture: if it changes, so must the annotation.

    The place of the data set on this machine is not part of it.
    """
    said = {
        "id": sample.sample_id,
        "source": source,
        "expression": sample.expression.label,
        "split": sample.split,
        "framing": sample.framing,
        "subject": sample.subject,
        "face_box": sample.face_box and sample.face_box.as_tuple(),
        "landmarks": sample.landmarks,
        "attributes": dict(sample.attributes),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def write_manifest(path: Path, records: Iterable[Record]) -> None:
    """Write the records in their order, whole or not at all."""
    write_text(path, "".join(f"{record.to_line()}\n" for record in records))


def read_manifest(path: Path) -> list[Record]:
    """Read a manifest; DatasetFormatError where a line is not a record."""
    records = []
    # Whatever is no text fails as a line.
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            records.append(Record.from_json(json.loads(line)))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DatasetFormatError(
                f"{path}, line {number} is not a manifest's ({error})",
                "a manifest that build_voc wrote",
                "build the folder anew with --overwrite",
            ) from error
    return records
