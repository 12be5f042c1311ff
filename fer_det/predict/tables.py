"""Predictions as two tables: JSON with a line a picture or frame, CSV with a line a face."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.io.files import atomic_writer
from fer_det.predict.sources import Failure
from fer_det.predict.video.track_video import WatchedFrame

PLACES, PROBABILITY_PLACES = 2, 5
"""Decimals of pixels and seconds, and of probabilities."""
BOX = ("x_min", "y_min", "x_max", "y_max")


class Tables:
    """Writes what was seen, as it is seen."""

    def __init__(self, jsonl: TextIO, sheet: TextIO, expressions: Sequence[Expression]) -> None:
        labels = tuple(expression.label for expression in expressions)
        about = ("source", "frame", "seconds", "face")
        self._jsonl = jsonl
        self._csv = csv.DictWriter(
            sheet, (*about, *BOX, "score", "expression", *labels, "note"), lineterminator="\n"
        )
        self._csv.writeheader()

    def add_picture(
        self, source: str, drawn: Path | None, size: tuple[int, int], faces: Sequence[Detection]
    ) -> None:
        """One picture of `size` (width, height) and its faces, surest first."""
        width, height = size
        about = {"source": source, "drawn": None if drawn is None else str(drawn)}
        about_all = about | {"width": width, "height": height}
        self._line(about_all, [_entry(face, face.expression) for face in faces])
        self._rows({"source": source}, [_flat(face, face.expression) for face in faces])

    def add_frame(self, source: str, watched: WatchedFrame) -> None:
        """One frame of a video; probabilities are the averaged ones, and JSON has both."""
        seconds = round(watched.frame.seconds, 3)
        about = {"source": source, "frame": watched.frame.number, "seconds": seconds}
        entries = [
            {
                "face": face.number,
                **_entry(face.steady, face.label),
                "frame_probabilities": _probabilities(face.seen),
            }
            for face in watched.faces
        ]
        rows = [{"face": face.number, **_flat(face.steady, face.label)} for face in watched.faces]
        self._line(about, entries)
        self._rows(about, rows)

    def add_failure(self, failure: Failure) -> None:
        """Something that could not be looked at."""
        self._jsonl.write(json.dumps({"source": failure.source, "error": failure.reason}) + "\n")
        self._csv.writerow({"source": failure.source, "note": failure.reason})

    def _line(self, about: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        self._jsonl.write(json.dumps(about | {"faces": entries}) + "\n")

    def _rows(self, about: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        self._csv.writerows(about | row for row in rows or [{"note": "no face"}])


@contextmanager
def open_tables(jsonl: Path, sheet: Path, expressions: Sequence[Expression]) -> Iterator[Tables]:
    """Open both files; they appear when the block ends without error, or not at all."""
    with (
        atomic_writer(jsonl) as jsonl_file,
        atomic_writer(sheet) as sheet_file,
        _as_text(jsonl_file) as jsonl_text,
        _as_text(sheet_file) as sheet_text,
    ):
        yield Tables(jsonl_text, sheet_text, expressions)


@contextmanager
def _as_text(file: Any) -> Iterator[TextIO]:
    # Names that are no valid Unicode come out as the bytes that they are.
    text = io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline="")
    yield text
    text.flush()
    text.detach()


def _entry(face: Detection, label: Expression) -> dict[str, Any]:
    return {
        "box": [round(edge, PLACES) for edge in face.box.as_tuple()],
        "score": round(face.score, PROBABILITY_PLACES),
        "expression": label.label,
        "probabilities": _probabilities(face),
    }


def _flat(face: Detection, label: Expression) -> dict[str, Any]:
    entry = _entry(face, label)
    return {
        **dict(zip(BOX, entry["box"], strict=True)),
        "score": entry["score"],
        "expression": entry["expression"],
        **entry["probabilities"],
    }


def _probabilities(face: Detection) -> dict[str, float]:
    return {
        expression.label: round(probability, PROBABILITY_PLACES)
        for expression, probability in face.probabilities.items()
    }
