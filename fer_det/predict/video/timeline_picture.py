"""The timeline drawn: a panel a face, a line an expression, and below it the label in colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fer_det.core.expression import Expression
from fer_det.predict.video.timeline import FaceTime, Timeline

MOST_PANELS = 6

COLOURS: dict[Expression, tuple[int, int, int]] = {
    Expression.SURPRISE: (230, 140, 20),
    Expression.FEAR: (120, 70, 170),
    Expression.DISGUST: (100, 130, 30),
    Expression.HAPPINESS: (30, 160, 70),
    Expression.SADNESS: (40, 110, 200),
    Expression.ANGER: (210, 40, 50),
    Expression.NEUTRAL: (110, 110, 110),
    Expression.CONTEMPT: (150, 100, 60),
}

_SCALE = 2
"""Everything is drawn so many times larger and reduced, for smooth lines."""
_WIDTH, _LEFT, _RIGHT, _TOP = 1200, 60, 24, 64
_PANEL, _PLOT, _STRIP, _TITLE = 214, 140, 12, 28
_PAPER, _INK, _PALE, _GRID = (255, 255, 255), (35, 35, 35), (110, 110, 110), (226, 226, 226)
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
_FONT, _SMALL, _HEADING = (ImageFont.load_default(_SCALE * size) for size in (14, 12, 18))


def draw_timeline(timeline: Timeline, title: str) -> NDArray[np.uint8]:
    """The faces seen longest, at most MOST_PANELS -> [H, W, 3] RGB."""
    faces = timeline.faces()
    shown = sorted(faces[:MOST_PANELS], key=lambda face: face.number)
    height = _TOP + max(1, len(shown)) * _PANEL + 30
    sheet = Image.new("RGB", (_SCALE * _WIDTH, _SCALE * height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    _write(pen, (_LEFT, 8), title, _HEADING)
    _draw_legend(pen, timeline)
    for row, face in enumerate(shown):
        _draw_panel(pen, timeline, face, _TOP + row * _PANEL)
    if not shown:
        _write(pen, (_LEFT, _TOP + 20), "no face was found", _FONT)
    left_out = len(faces) - len(shown) + timeline.dropped
    if left_out:
        note = f"and {left_out} more, seen in fewer frames"
        _write(pen, (_LEFT, height - 26), note, _SMALL, _PALE)
    return np.asarray(sheet.resize((_WIDTH, height), Image.Resampling.LANCZOS))


def clock(seconds: float) -> str:
    """'0:07', '12:30' or '1:00:05'; tenths where they are not zero."""
    tenths = round(10 * seconds)
    whole, rest = divmod(tenths, 10)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    told = f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
    return f"{told}.{rest}" if rest else told


def _draw_legend(pen: ImageDraw.ImageDraw, timeline: Timeline) -> None:
    left = float(_LEFT)
    for expression in timeline.expressions:
        _line(pen, [(left, 48), (left + 22, 48)], COLOURS[expression], 3)
        _write(pen, (left + 28, 39), expression.label, _FONT)
        left += 28 + _FONT.getlength(expression.label) / _SCALE + 22


def _draw_panel(pen: ImageDraw.ImageDraw, timeline: Timeline, face: FaceTime, top: int) -> None:
    label = timeline.expressions[int(face.mean.argmax())].label
    span = f"{clock(face.first)} to {clock(face.last)}"
    told = f"face {face.number}: {span}, {face.frames:,} frames, on average {label}"
    _write(pen, (_LEFT, top + 6), f"{told} {face.mean.max():.2f}", _FONT)
    base = top + _TITLE + _PLOT
    for share in (0.0, 0.5, 1.0):
        level = base - share * _PLOT
        _line(pen, [(_LEFT, level), (_WIDTH - _RIGHT, level)], _GRID, 1)
        _write(pen, (_LEFT - 30, level - 8), f"{share:.1f}", _SMALL, _PALE)
    _draw_ticks(pen, timeline.seconds, base)
    for column, expression in enumerate(timeline.expressions):
        _draw_curve(pen, timeline, face.means[:, column], COLOURS[expression], base)
    _draw_strip(pen, timeline, face, base)


def _draw_ticks(pen: ImageDraw.ImageDraw, seconds: float, base: int) -> None:
    step = next((step for step in _STEPS if seconds / step <= 10), _STEPS[-1])
    for number in range(int(seconds / step) + 1):
        x = _x(number * step, seconds)
        _line(pen, [(x, base - _PLOT), (x, base)], _GRID, 1)
        _write(pen, (x - 10, base + _STRIP + 6), clock(number * step), _SMALL, _PALE)


def _draw_curve(
    pen: ImageDraw.ImageDraw,
    timeline: Timeline,
    means: NDArray[np.float64],
    colour: tuple[int, int, int],
    base: int,
) -> None:
    """A line through the pieces that follow each other; gaps stay open."""
    run: list[tuple[float, float]] = []
    for place, mean in enumerate([*means, np.nan]):
        if np.isfinite(mean):
            x = _x((place + 0.5) * timeline.piece, timeline.seconds)
            run.append((x, base - float(mean) * _PLOT))
        elif run:
            # A single piece is a dot.
            _line(pen, run if len(run) > 1 else [run[0], (run[0][0] + 1, run[0][1])], colour, 2)
            run = []


def _draw_strip(pen: ImageDraw.ImageDraw, timeline: Timeline, face: FaceTime, base: int) -> None:
    for place in np.flatnonzero(face.labels >= 0):
        colour = COLOURS[timeline.expressions[face.labels[place]]]
        left = _x(place * timeline.piece, timeline.seconds)
        right = _x((place + 1) * timeline.piece, timeline.seconds)
        box = (left, base + 3, max(right, left + 1), base + 3 + _STRIP)
        pen.rectangle(tuple(_SCALE * edge for edge in box), fill=colour)


def _x(seconds: float, whole: float) -> float:
    width = _WIDTH - _LEFT - _RIGHT
    return _LEFT + width * min(1.0, seconds / whole if whole > 0 else 0.0)


def _line(
    pen: ImageDraw.ImageDraw,
    points: list[tuple[float, float]],
    colour: tuple[int, int, int],
    width: int,
) -> None:
    scaled = [(_SCALE * x, _SCALE * y) for x, y in points]
    pen.line(scaled, fill=colour, width=_SCALE * width, joint="curve")


def _write(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float],
    words: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    colour: tuple[int, int, int] = _INK,
) -> None:
    pen.text((_SCALE * place[0], _SCALE * place[1]), words, fill=colour, font=font)
