"""Recall of each class as bars with intervals, beside a published baseline where it applies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fer_det.evaluation.table import FEW_FACES
from fer_det.report.published import Published
from fer_det.report.svg import WIDTH, Drawing, Figure, Scale
from fer_det.report.words import count, figure, interval

_ROW, _BAR = 34.0, 16.0
_LEFT, _RIGHT = 118.0, 434.0
_TOP = 14.0


def draw_recalls(
    rule: Mapping[str, Any],
    n_by_class: Mapping[str, int],
    baselines: Sequence[Published] = (),
) -> Figure:
    """rule: one rule of scores.json; baselines: those with a recall of each class."""
    labels = list(rule["recall"])
    shown = [each for each in baselines if each.recall]
    bottom = _TOP + _ROW * len(labels)
    height = bottom + 26 + 22 * len(shown)
    drawing = Drawing(WIDTH, height, "Recall of each class with its 95 % interval")
    x = Scale(0, 1, _LEFT, _RIGHT)
    for tick in (0, 0.2, 0.4, 0.6, 0.8, 1):
        drawing.line((x(tick), _TOP), (x(tick), bottom), "grid")
        drawing.text(x(tick), bottom + 12, f"{tick:g}", "middle", "ink small")
    for row, label in enumerate(labels):
        _draw_row(drawing, x, _TOP + _ROW * (row + 0.5), label, rule, n_by_class[label], shown)
    for number, each in enumerate(shown):
        place = bottom + 34 + 22 * number
        drawing.mark(_LEFT + 6, place, "reference")
        drawing.text(_LEFT + 18, place, f"{each.name}, published", "start", "ink small")
    return Figure(
        "Recall by class",
        _reading(n_by_class),
        (drawing.markup(),),
        ("class", "faces", "recall", "95 % interval", *(each.name for each in shown)),
        tuple(
            (
                label,
                f"{n_by_class[label]:,}",
                figure(rule["recall"][label]),
                interval(rule["intervals"]["recall"][label]),
                *(figure(each.recall.get(label)) for each in shown),
            )
            for label in labels
        ),
    )


def _reading(n_by_class: Mapping[str, int]) -> str:
    words = "How many faces of each class get their label; the thin line is the 95 % interval."
    few = [f"{label} ({n})" for label, n in n_by_class.items() if 0 < n < FEW_FACES]
    return f"{words} Too few faces to trust it: {', '.join(few)}." if few else words


def _draw_row(
    drawing: Drawing,
    x: Scale,
    middle: float,
    label: str,
    rule: Mapping[str, Any],
    faces: int,
    baselines: Sequence[Published],
) -> None:
    value, ends = rule["recall"][label], rule["intervals"]["recall"][label]
    drawing.text(_LEFT - 8, middle - 6, label, "end")
    drawing.text(_LEFT - 8, middle + 8, count(faces, "face"), "end", "quiet small")
    drawing.rect(_LEFT, middle - _BAR / 2, _RIGHT - _LEFT, _BAR, "track")
    if value is not None:
        told = f"{label}: {figure(value)}, {interval(ends)}"
        drawing.rect(_LEFT, middle - _BAR / 2, x(value) - _LEFT, _BAR, "bar", told)
    if ends is not None:
        drawing.line((x(ends[0]), middle), (x(ends[1]), middle), "whisker")
        for end in ends:
            drawing.line((x(end), middle - 5), (x(end), middle + 5), "whisker")
    for each in baselines:
        if label in each.recall:
            drawing.mark(x(each.recall[label]), middle, "reference", f"{each.name}, {label}")
    drawing.text(WIDTH - 2, middle, figure(value), "end", "ink number")
