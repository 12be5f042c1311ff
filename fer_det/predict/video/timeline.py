"""Gather each face's probabilities over a video in bounded memory, and draw them as a picture."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fer_det.core.expression import Expression
from fer_det.predict.drawing import COLOURS, NO_EXPRESSION

BINS = 512
"""A face's time is kept in so many bins; when they are full, each two become one."""
MOST_FACES = 64
"""If there are more, those seen in the fewest frames are dropped."""
FIRST_BIN = 1 / 16
"""Seconds of a bin at the beginning."""
MOST_PANELS = 6
"""Faces in the picture."""
LEAST_FRAMES = 3
"""Of a face that is shown, where there are others."""

_INK, _PALE, _GRID = "#232323", "#6e6e6e", "#e2e2e2"
_WIDTH, _TOP, _PANEL, _DPI = 12.0, 0.75, 2.14, 100
"""Inches, and pixels of an inch."""
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)

Answer: TypeAlias = tuple[Mapping[Expression, float], Expression | None]
"""A face's probabilities and its label, None for unknown."""


@dataclass(frozen=True, eq=False)
class FaceTime:
    """One face over the whole video."""

    number: int
    frames: int
    """Frames in which it was seen."""
    first: float
    last: float
    """Seconds of the first and the last of them."""
    means: NDArray[np.float64]
    """[BINS, C] mean probabilities; NaN in bins without it."""
    labels: NDArray[np.int64]
    """[BINS] index of the most frequent label, C for unknown; -1 in bins without it."""
    mean: NDArray[np.float64]
    """[C] over all its frames."""


class _Face:
    def __init__(self, classes: int, seconds: float) -> None:
        self.sums = np.zeros((BINS, classes))
        self.labels = np.zeros((BINS, classes + 1))
        """Frames by label, the last column for unknown; their sum is the number of frames."""
        self.first = self.last = seconds

    def halve(self) -> None:
        """Make each two bins one."""
        self.sums, self.labels = _paired(self.sums), _paired(self.labels)


class Timeline:
    """Gathers the probabilities of faces, frame by frame."""

    def __init__(self, expressions: Sequence[Expression], rate: float | None = None) -> None:
        """rate: frames per second; then no bin is so short that it might be left out."""
        self.expressions = tuple(expressions)
        self.bin = FIRST_BIN if rate is None else max(FIRST_BIN, 1.5 / rate)
        """Seconds of a bin."""
        self.seconds = 0.0
        """Time of the latest frame."""
        self.dropped = 0
        """Faces that were dropped."""
        self._faces: dict[int, _Face] = {}

    def add(self, seconds: float, faces: Mapping[int, Answer]) -> None:
        """Add a frame and its faces by their numbers; `seconds` must not decrease."""
        self.seconds = seconds
        while seconds >= BINS * self.bin:
            self.bin *= 2
            for face in self._faces.values():
                face.halve()
        for number, (probabilities, label) in faces.items():
            if number not in self._faces:
                self._make_room(seconds)
                self._faces[number] = _Face(len(self.expressions), seconds)
            face = self._faces[number]
            place = int(seconds / self.bin)
            face.sums[place] += [probabilities[expression] for expression in self.expressions]
            column = -1 if label is None else self.expressions.index(label)
            face.labels[place, column] += 1
            face.last = seconds

    def faces(self) -> list[FaceTime]:
        """The faces, most frames first."""
        found = [self._face_time(number, face) for number, face in self._faces.items()]
        return sorted(found, key=lambda face: (-face.frames, face.number))

    def _make_room(self, seconds: float) -> None:
        """Drop the face with the fewest frames among those that are not in the latest frame."""
        if len(self._faces) < MOST_FACES:
            return
        gone = [number for number, face in self._faces.items() if face.last < seconds]
        if gone:
            del self._faces[min(gone, key=lambda number: self._faces[number].labels.sum())]
            self.dropped += 1

    def _face_time(self, number: int, face: _Face) -> FaceTime:
        counts = face.labels.sum(axis=1)
        seen = counts > 0
        return FaceTime(
            number=number,
            frames=int(counts.sum()),
            first=face.first,
            last=face.last,
            means=np.where(seen[:, None], face.sums / np.maximum(counts[:, None], 1), np.nan),
            labels=np.where(seen, face.labels.argmax(axis=1), -1),
            mean=face.sums.sum(axis=0) / counts.sum(),
        )


def main_faces(faces: Sequence[FaceTime]) -> list[FaceTime]:
    """Of faces with most frames first those that are shown, by number.

    Faces of one or two frames, which are often none, are among them only if there are no others.
    """
    kept = [face for face in faces if face.frames >= LEAST_FRAMES] or faces
    return sorted(kept[:MOST_PANELS], key=lambda face: face.number)


def draw_timeline(timeline: Timeline, title: str) -> bytes:
    """A PNG: a panel for each of the faces with most frames, a line for each expression.

    A strip below each panel has the label's colour.
    """
    # Imported here, since it takes a second. It must not complain about a folder for its cache.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    faces = timeline.faces()
    shown = main_faces(faces)
    height = _TOP + max(1, len(shown)) * _PANEL + 0.2
    figure = Figure((_WIDTH, height), dpi=_DPI)
    text: dict[str, Any] = {"ha": "left", "va": "center", "color": _INK, "parse_math": False}
    figure.text(0.05, 1 - 0.2 / height, title, size=13, **text)
    lines = [
        Line2D([], [], color=_rgb(expression), linewidth=2.5, label=expression.label)
        for expression in timeline.expressions
    ]
    if any((face.labels == len(timeline.expressions)).any() for face in shown):
        grey = _colour(timeline.expressions, len(timeline.expressions))
        lines.append(Line2D([], [], color=grey, linewidth=5, label="unknown"))
    figure.legend(
        handles=lines,
        loc="upper left",
        bbox_to_anchor=(0.043, 1 - 0.31 / height),
        ncols=len(lines),
        frameon=False,
        fontsize=10,
        labelcolor=_INK,
    )
    for row, face in enumerate(shown):
        bottom = height - _TOP - row * _PANEL - 0.28 - 1.4
        area = (0.05, bottom / height, 0.93, 1.4 / height)
        _draw_panel(figure.add_axes(area), timeline, face)
    if not shown:
        figure.text(0.05, 1 - (_TOP + 0.3) / height, "no face was found", size=10, **text)
    if left_out := len(faces) - len(shown) + timeline.dropped:
        note = f"and {left_out} more, seen in fewer frames"
        figure.text(0.05, 0.12 / height, note, size=9, **text | {"color": _PALE})
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A character of the file's name that the font lacks is drawn as a box.
        warnings.simplefilter("ignore")
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def clock(seconds: float) -> str:
    """'0:07', '12:30' or '1:00:05'; tenths where they are not zero."""
    tenths = round(10 * seconds)
    whole, rest = divmod(tenths, 10)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
    return f"{text}.{rest}" if rest else text


def describe_face(face: FaceTime, expressions: Sequence[Expression]) -> str:
    """'face 1: 0:00 to 0:04, 100 frames, on average fear 0.75'."""
    best = int(face.mean.argmax())
    frames = f"{face.frames:,} frame{'' if face.frames == 1 else 's'}"
    return (
        f"face {face.number}: {clock(face.first)} to {clock(face.last)}, {frames}, "
        f"on average {expressions[best].label} {face.mean[best]:.2f}"
    )


def _draw_panel(axes: Any, timeline: Timeline, face: FaceTime) -> None:
    axes.set_title(describe_face(face, timeline.expressions), loc="left", size=10, color=_INK)
    axes.set_xlim(0, timeline.seconds or timeline.bin)
    axes.set_ylim(-0.14, 1.01)
    step = next((step for step in _STEPS if timeline.seconds / step <= 10), _STEPS[-1])
    ticks = [number * step for number in range(int(timeline.seconds / step) + 1)]
    axes.set_xticks(ticks, labels=[clock(seconds) for seconds in ticks])
    axes.set_yticks([0, 0.5, 1])
    axes.grid(color=_GRID)
    axes.tick_params(length=0, labelsize=9, labelcolor=_PALE)
    axes.spines[:].set_visible(False)
    middles = (np.arange(BINS) + 0.5) * timeline.bin
    for column, expression in enumerate(timeline.expressions):
        curve = face.means[:, column]
        axes.plot(middles, curve, color=_rgb(expression), linewidth=1.4, zorder=3)
        # A bin without neighbours is a dot.
        lone = np.isnan(np.append(curve[1:], np.nan)) & np.isnan(np.append(np.nan, curve[:-1]))
        axes.plot(middles[lone], curve[lone], ".", color=_rgb(expression), markersize=4, zorder=3)
    for index in np.unique(face.labels[face.labels >= 0]):
        starts = np.flatnonzero(face.labels == index) * timeline.bin
        pieces = [(start, timeline.bin) for start in starts]
        axes.broken_barh(pieces, (-0.12, 0.09), color=_colour(timeline.expressions, index), lw=0)


def _colour(expressions: Sequence[Expression], index: int) -> tuple[float, float, float]:
    if index < len(expressions):
        return _rgb(expressions[index])
    red, green, blue = NO_EXPRESSION
    return red / 255, green / 255, blue / 255


def _rgb(expression: Expression) -> tuple[float, float, float]:
    red, green, blue = COLOURS[expression]
    return red / 255, green / 255, blue / 255


def _paired(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """[BINS, C] -> the same with each two rows added into one, the second half empty."""
    halved = rows.reshape(BINS // 2, 2, -1).sum(axis=1)
    return np.concatenate([halved, np.zeros_like(halved)])
