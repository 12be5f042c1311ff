"""This run's two headline figures as dots beside those that others have published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from fer_det.report.published import PUBLISHED, Published
from fer_det.report.svg import WIDTH, Drawing, Figure, Scale
from fer_det.report.words import figure, with_interval

_ROW, _TOP = 26.0, 30.0
_LEFT, _RIGHT = 142.0, 424.0
_MEASURES = {"accuracy": "accuracy", "mean_recall": "mean of recalls"}


def draw_beside_published(rule: Mapping[str, Any]) -> Figure:
    """rule: the primary one of scores.json, scored on RAF-DB's test split."""
    return Figure(
        "Beside published results on RAF-DB",
        "Dots are this run, with its 95 % interval; diamonds are what others have published. They "
        "are classifiers that were given aligned crops of the faces, so the tasks are not equal.",
        tuple(_draw(name, words, rule) for name, words in _MEASURES.items()),
        ("system", "accuracy", "mean of recalls", "source"),
        (
            (
                "this run",
                *(with_interval(rule[name], rule["intervals"][name]) for name in _MEASURES),
                "",
            ),
            *(
                (each.name, figure(each.accuracy), figure(each.mean_recall), each.source)
                for each in PUBLISHED
            ),
        ),
    )


def _draw(name: str, words: str, rule: Mapping[str, Any]) -> Markup:
    others = [(each, value) for each in PUBLISHED if (value := _value(each, name)) is not None]
    bottom = _TOP + _ROW * (len(others) + 1)
    drawing = Drawing(WIDTH, bottom + 24, f"{words} beside published results")
    own, ends = rule[name], rule["intervals"][name]
    lowest = min([own or 0, *(ends or ()), *(value for _, value in others)])
    x = Scale(min(0.6, int(lowest * 10) / 10), 1, _LEFT, _RIGHT)
    drawing.text(_LEFT, 12, words, "start")
    ticks = [tick / 10 for tick in range(round(x.low * 10), 11)]
    for tick in ticks if len(ticks) < 7 else ticks[::2]:
        drawing.line((x(tick), _TOP), (x(tick), bottom), "grid")
        drawing.text(x(tick), bottom + 12, f"{tick:.1f}", "middle", "ink small")
    middle = _TOP + _ROW / 2
    drawing.text(_LEFT - 8, middle, "this run", "end")
    if ends is not None:
        drawing.line((x(ends[0]), middle), (x(ends[1]), middle), "whisker")
    if own is not None:
        drawing.dot(x(own), middle, 6, "bar", "this run")
    drawing.text(WIDTH - 2, middle, figure(own), "end", "ink number")
    for row, (each, value) in enumerate(others, start=1):
        middle = _TOP + _ROW * (row + 0.5)
        drawing.text(_LEFT - 8, middle, each.name, "end", "ink small")
        drawing.line((_LEFT, middle), (x(value), middle), "grid")
        drawing.mark(x(value), middle, "reference", each.source)
        drawing.text(WIDTH - 2, middle, figure(value), "end", "ink number")
    return drawing.markup()


def _value(each: Published, name: str) -> float | None:
    value: float | None = getattr(each, name)
    return value
