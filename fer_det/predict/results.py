"""Collect predictions: two tables, counts, failures, and what is printed of them."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from fer_det.core.detection import Detection, TrackedFace
from fer_det.core.expression import Expression
from fer_det.errors import OutputError
from fer_det.imaging.decode import DecodedImage
from fer_det.io.files import atomic_writer
from fer_det.io.remote import RemoteFile
from fer_det.predict.finish import GroupSummary
from fer_det.predict.sources import Failure, Sources
from fer_det.runtime.progress import print_line

DECIMALS, PROBABILITY_DECIMALS = 2, 5
"""Of pixels, and of scores and probabilities."""
BOX = ("x_min", "y_min", "x_max", "y_max")
MOST_NAMES = 20
"""Files that are named on the terminal; the tables name all."""


@dataclass(frozen=True, eq=False)
class PredictedPicture:
    """A picture file and the faces in it."""

    path: Path | RemoteFile
    image: DecodedImage | None
    """None if it could not be read."""
    faces: tuple[Detection, ...] = ()
    """Highest score first; boxes in pixels of the upright file."""
    error: str = ""
    """Why it could not be read."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the upright file; (0, 0) if it could not be read."""
        return self.image.size if self.image else (0, 0)

    @property
    def note(self) -> str:
        """What a reader of the table should know of it, '' for most pictures."""
        if self.image is not None and self.image.frames > 1:
            return f"the first of its {self.image.frames:,} pictures"
        return ""


class Results:
    """Writes the tables line by line, and counts."""

    def __init__(self, jsonl: TextIO, sheet: TextIO, expressions: Sequence[Expression]) -> None:
        labels = tuple(expression.label for expression in expressions)
        about = ("source", "frame", "seconds", "face")
        self._jsonl = jsonl
        self._csv = csv.DictWriter(
            sheet,
            (*about, *BOX, "size", "flags", "score", "expression", *labels, "note"),
            lineterminator="\n",
        )
        self._csv.writeheader()
        self.pictures = self.faces = self.unread = 0
        """Pictures that were read, faces in them, and pictures that were not read."""
        self.without_face: list[str] = []
        """Names of pictures without a face."""
        self.failures: list[str] = []
        """A line for each source that was not read, and each output that was not written."""

    @property
    def complete(self) -> bool:
        """True if everything was read and written."""
        return not self.failures

    def add_picture(self, picture: PredictedPicture, drawn: Path | None) -> None:
        """Add a picture that was read; drawn: where its drawing was written."""
        source = str(picture.path)
        width, height = picture.size
        about = {"source": source, "drawn": None if drawn is None else str(drawn)}
        about_all: dict[str, Any] = about | {"width": width, "height": height}
        note = {"note": picture.note} if picture.note else {}
        summary = {"summary": _summary(picture.faces)} if len(picture.faces) > 1 else {}
        self._add_line(about_all | note | summary, [_entry(f, _label(f)) for f in picture.faces])
        rows = [_flat(face, _label(face)) | note for face in picture.faces]
        self._add_rows({"source": source}, rows)
        self.pictures += 1
        self.faces += len(picture.faces)
        if not picture.faces:
            self.without_face.append(source)

    def add_unread_picture(self, failure: Failure) -> None:
        """Add a picture that could not be read."""
        self.unread += 1
        self.add_failure(failure)

    def add_frame(
        self, source: str, number: int, seconds: float, faces: Sequence[TrackedFace]
    ) -> None:
        """Add a frame of a video: averaged probabilities, and in JSON the frame's own too."""
        about = {"source": source, "frame": number, "seconds": round(seconds, 3)}
        entries = [
            {
                "face": face.number,
                **_entry(face.smoothed, face.label_name),
                "frame_probabilities": _probabilities(face.detection),
            }
            for face in faces
        ]
        self._add_line(about, entries)
        self._add_rows(about, [{"face": f.number} | _flat(f.smoothed, f.label_name) for f in faces])

    def add_failure(self, failure: Failure, what: str = "not read") -> None:
        """Add a source that could not be read, or not whole; `what` introduces its line."""
        self.failures.append(f"{what}: {failure.reason}")
        self._jsonl.write(json.dumps({"source": failure.source, "error": failure.reason}) + "\n")
        self._csv.writerow({"source": failure.source, "note": failure.reason})

    def add_unwritten(self, error: OutputError) -> None:
        """Add an output that could not be written; its predictions are in the tables."""
        self.failures.append(f"not written: {error.found}")

    def describe_pictures(self) -> Iterator[str]:
        """Counts of pictures and faces, and which pictures have no face."""
        without = len(self.without_face)
        yield (
            f"{counted(self.pictures, 'picture')}: {counted(self.faces, 'face')}, "
            f"no face in {without:,}, {self.unread:,} not read"
        )
        if without < self.pictures:
            yield from _first(f"no face: {name}" for name in self.without_face)

    def describe_failures(self) -> Iterator[str]:
        """What could not be read or written, and why."""
        yield from _first(self.failures)

    def _add_line(self, about: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        self._jsonl.write(json.dumps(about | {"faces": entries}) + "\n")

    def _add_rows(self, about: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        self._csv.writerows(about | row for row in rows or [{"note": "no face"}])


@contextmanager
def open_results(jsonl: Path, sheet: Path, expressions: Sequence[Expression]) -> Iterator[Results]:
    """Open both tables; they appear when the block ends without error, or not at all."""
    with (
        atomic_writer(jsonl) as jsonl_file,
        atomic_writer(sheet) as sheet_file,
        _as_text(jsonl_file) as jsonl_text,
        _as_text(sheet_file) as sheet_text,
    ):
        yield Results(jsonl_text, sheet_text, expressions)


def describe_ignored(sources: Sources) -> Iterator[str]:
    """What was found in folders and not used, and what was named twice."""
    if sources.ignored:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sources.ignored.most_common())
        yield f"in folders, neither picture nor video: {kinds}"
    if sources.repeated:
        yield f"named more than once and read once: {counted(sources.repeated, 'file')}"


def counted(count: int, what: str) -> str:
    """'1 face' or '1,200 faces'."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def say(lines: Iterable[str]) -> None:
    """Print lines as far as the terminal can show them; a closed pipe is no error."""
    for line in lines:
        try:
            print_line(line)
        except BrokenPipeError:
            # Nobody reads any more; the files are wanted all the same.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _as_text(file: Any) -> Iterator[TextIO]:
    # Names that are no valid Unicode are written as the bytes that they are.
    text = io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline="")
    yield text
    text.flush()
    text.detach()


def _label(face: Detection) -> str | None:
    """What the tables have as its expression: null where it has no probabilities."""
    return face.label if face.probabilities else None


def _summary(faces: Sequence[Detection]) -> dict[str, Any]:
    summary = GroupSummary.of(faces)
    shares = {each.label: round(share, 3) for each, share in summary.shares.items()}
    marks = {"unknown": summary.unknown, "too_small": summary.too_small}
    return {"faces": summary.faces, "shares": shares, **marks}


def _entry(face: Detection, label: str | None) -> dict[str, Any]:
    return {
        "box": [round(edge, DECIMALS) for edge in face.box.as_tuple()],
        "size": round(face.size, DECIMALS),
        "flags": list(face.flags),
        "score": round(face.score, PROBABILITY_DECIMALS),
        "expression": label,
        "probabilities": _probabilities(face),
    }


def _flat(face: Detection, label: str | None) -> dict[str, Any]:
    entry = _entry(face, label)
    return {
        **dict(zip(BOX, entry["box"], strict=True)),
        "flags": " ".join(face.flags),
        **{name: entry[name] for name in ("size", "score", "expression")},
        **entry["probabilities"],
    }


def _probabilities(face: Detection) -> dict[str, float]:
    return {
        expression.label: round(probability, PROBABILITY_DECIMALS)
        for expression, probability in face.probabilities.items()
    }


def _first(lines: Iterable[str]) -> Iterator[str]:
    every = list(lines)
    yield from every[:MOST_NAMES]
    if len(every) > MOST_NAMES:
        yield f"{every[0].split(':')[0]}: and {len(every) - MOST_NAMES:,} more, see the tables"
