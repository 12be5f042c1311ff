"""Predictions of any program, as a CSV table, in the form that the evaluation needs.

One line a face that the program found, by header name in any order:

    image                        file name or id of the picture; also source, file, filename
    x_min, y_min, x_max, y_max   the face's box in the picture's pixels, from 0; may be left out
    score                        probability that the box holds a face; 1 by default
    surprise, fear, ...          probabilities of the expressions in any unit (a line's are divided
                                 by their sum), or
    expression                   the predicted one alone; also emotion, label
    face                         number of the labelled face in its picture, from 0, for tables
                                 without boxes; 0 by default

predictions.csv of `fer-det predict` is such a table. A line without expression says that the
program has no answer, as does a picture without a line: both are misses, and count as errors.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from fer_det.core.expression import Expression, expression_of_word
from fer_det.errors import ScoresError, ScoresNotFoundError
from fer_det.evaluation.picture import IntArray, ScoredPicture

MAX_BYTES = 1 << 30
_IMAGE = ("image", "source", "file", "filename")
_LABEL = ("expression", "emotion", "label")
_BOX = ("x_min", "y_min", "x_max", "y_max")
_REMEDY = "see docs/other_models.md for the columns"

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class PredictedFace:
    """One line of the table that has an answer."""

    probabilities: Mapping[str, float]
    """Expression -> 0..1, summing to 1."""
    box: Box | None
    score: float
    number: int
    """Of the labelled face; used without a box."""


@dataclass(frozen=True)
class PredictionTable:
    """The predictions of a program by picture."""

    path: Path
    sha256: str
    classes: tuple[str, ...]
    """Expressions that the table names, in the order of their numbers."""
    has_boxes: bool
    faces: Mapping[str, Sequence[PredictedFace]] = field(default_factory=dict)
    """Image id -> faces, in the order of the lines."""
    without_answer: int = 0
    """Lines without an expression."""

    def score(
        self,
        image_id: str,
        size: tuple[int, int],
        truth_boxes: NDArray[np.float32],
        truth_labels: IntArray,
        ignore_boxes: NDArray[np.float32],
        classes: Sequence[str],
    ) -> ScoredPicture:
        """Return the predictions for a picture; classes: the names of the labels 1, 2, ...

        Without boxes an answer gets the box of the labelled face that it is about. Raises
        ScoresError for an answer about a face that the picture lacks.
        """
        found = self.faces.get(image_id, ())
        if not self.has_boxes and (wrong := [f for f in found if f.number >= len(truth_boxes)]):
            raise ScoresError(
                f"{self.path} with face {wrong[0].number} of {image_id}",
                f"a number below {len(truth_boxes)}, its labelled faces",
                "give the boxes, or the right numbers",
            )
        boxes = [truth_boxes[f.number].tolist() if f.box is None else f.box for f in found]
        rows = [[face.probabilities.get(label, 0.0) for label in classes] for face in found]
        return ScoredPicture(
            image_id=image_id,
            width=size[0],
            height=size[1],
            truth_boxes=truth_boxes,
            truth_labels=truth_labels,
            ignore_boxes=ignore_boxes,
            boxes=np.array(boxes, np.float64).reshape(-1, 4),
            scores=np.array([face.score for face in found], np.float64),
            probabilities=np.array(rows, np.float64).reshape(-1, len(classes)),
        )


def read_prediction_table(path: Path) -> PredictionTable:
    """Read a table, whole.

    Raises ScoresNotFoundError, and ScoresError for a file that is no such table, with its line.
    """
    data = _read_bytes(path)
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        header = [name.strip().lower() for name in next(reader, [])]
        lines = [row for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ScoresError(
            f"{path} is no CSV table ({error})", "a table of predictions", _REMEDY
        ) from error
    columns = _Columns.find(path, header)
    faces: dict[str, list[PredictedFace]] = {}
    classes = set(columns.probabilities)
    without_answer = 0
    for number, cells in enumerate(lines, start=2):
        line = _Line(path, number, header, cells)
        image = PurePath(line.cell(columns.image).replace("\\", "/")).stem
        if not image:
            raise line.wrong(header[columns.image], "", "the name of a picture")
        probabilities = columns.read_probabilities(line)
        if not probabilities:
            without_answer += 1
            continue
        classes |= set(probabilities)
        faces.setdefault(image, []).append(
            PredictedFace(
                probabilities,
                columns.read_box(line),
                1.0 if columns.score is None else line.number(columns.score, 0, 1, 1.0),
                0 if columns.face is None else int(line.number(columns.face, 0, 1e6, 0.0)),
            )
        )
    ordered = tuple(each.label for each in Expression if each.label in classes)
    sha256 = hashlib.sha256(data).hexdigest()
    return PredictionTable(path, sha256, ordered, bool(columns.box), faces, without_answer)


@dataclass(frozen=True)
class _Line:
    path: Path
    number_in_file: int
    header: Sequence[str]
    cells: Sequence[str]

    def cell(self, column: int) -> str:
        return self.cells[column].strip() if column < len(self.cells) else ""

    def number(self, column: int, low: float, high: float, empty: float | None = None) -> float:
        """Return a number in low..high; `empty` for an empty cell, if that is allowed."""
        text = self.cell(column)
        if not text and empty is not None:
            return empty
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            wanted = f"a number of {low:g} to {high:g}" if math.isfinite(high) else "a number"
            raise self.wrong(self.header[column], text, wanted)
        return value

    def wrong(self, column: str, found: str, wanted: str) -> ScoresError:
        shown = f"{found[:40]!r}"
        return ScoresError(
            f"{self.path}, line {self.number_in_file}, with {shown} as {column}", wanted, _REMEDY
        )


@dataclass(frozen=True)
class _Columns:
    """Where the header has what."""

    image: int
    probabilities: Mapping[str, int]
    label: int | None
    box: tuple[int, ...]
    score: int | None
    face: int | None

    @classmethod
    def find(cls, path: Path, header: Sequence[str]) -> _Columns:
        def first(names: Sequence[str]) -> int | None:
            return next((header.index(name) for name in names if name in header), None)

        image, label = first(_IMAGE), first(_LABEL)
        named = {
            column: found
            for column, name in enumerate(header)
            if (found := expression_of_word(name)) is not None
        }
        probabilities = {each.label: column for column, each in named.items()}
        if len(probabilities) < len(named):
            raise ScoresError(f"{path} with two columns for one expression", "one each", _REMEDY)
        box = tuple(header.index(name) for name in _BOX if name in header)
        if image is None or (label is None and not probabilities) or len(box) not in (0, 4):
            raise ScoresError(
                f"{path} with the columns {', '.join(header)[:80] or 'none'}",
                f"{_IMAGE[0]}, {_LABEL[0]} or one column an expression, and all of "
                f"{', '.join(_BOX)} or none",
                _REMEDY,
            )
        score, face = first(("score",)), first(("face",))
        return cls(image, probabilities, label, box, score, face)

    def read_probabilities(self, line: _Line) -> dict[str, float]:
        """Return the probabilities of a line, {} where it has no answer."""
        if any(line.cell(column) for column in self.probabilities.values()):
            values = {
                name: line.number(column, 0, math.inf, 0.0)
                for name, column in self.probabilities.items()
            }
            total = sum(values.values())
            if not (math.isfinite(total) and total > 0):
                raise line.wrong("probabilities", f"a sum of {total}", "a positive sum")
            return {name: value / total for name, value in values.items()}
        word = "" if self.label is None else line.cell(self.label)
        if not word:
            return {}
        expression = expression_of_word(word)
        if expression is None:
            assert self.label is not None
            names = ", ".join(each.label for each in Expression)
            raise line.wrong(line.header[self.label], word, f"one of {names}")
        return {expression.label: 1.0}

    def read_box(self, line: _Line) -> Box | None:
        if not self.box:
            return None
        x_min, y_min, x_max, y_max = (
            line.number(column, -math.inf, math.inf) for column in self.box
        )
        edges = (x_min, y_min, x_max, y_max)
        if not all(map(math.isfinite, edges)) or x_max < x_min or y_max < y_min:
            raise line.wrong("box", str(edges), "min edges below max edges")
        return edges


def _read_bytes(path: Path) -> bytes:
    wanted = "a CSV table of predictions"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ScoresError(f"{path} is larger than 1 GiB", wanted, _REMEDY)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ScoresNotFoundError(f"{path} is absent", wanted, "name another file") from error
    except OSError as error:
        raise ScoresError(f"{path} cannot be read ({error.strerror})", wanted, _REMEDY) from error
