"""The reliability diagram: how often answers of each confidence are right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from fer_det.report.svg import Figure, nice_steps, plot
from fer_det.report.words import NOTHING, figure

_TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1)


def draw_reliability(calibration: Mapping[str, Any], temperature: float) -> Figure:
    """calibration: of the primary rule in scores.json."""
    canvas = plot("Accuracy of the answers by their confidence", (0, 1), (0, 1), height=340)
    drawing = canvas.drawing
    canvas.mark_x(_TICKS, [f"{tick:g}" for tick in _TICKS])
    canvas.mark_y(_TICKS, [f"{tick:g}" for tick in _TICKS])
    for each in calibration["bins"]:
        if not each["count"]:
            continue
        left, right = canvas.x(each["low"]) + 2, canvas.x(each["high"]) - 2
        top = canvas.y(each["accuracy"])
        told = (
            f"{each['count']} answers of confidence {each['low']:.1f} to {each['high']:.1f}: "
            f"{figure(each['accuracy'])} right, {figure(each['confidence'])} claimed"
        )
        drawing.rect(left, top, right - left, canvas.y.start - top, "bar", told)
        claimed = canvas.y(each["confidence"])
        drawing.line((left, claimed), (right, claimed), "claimed", told)
    drawing.line(canvas.point(0, 0), canvas.point(1, 1), "diagonal")
    canvas.name_axes("confidence: probability of the answer", "accuracy")
    return Figure(
        "Calibration",
        _reading(calibration, temperature),
        (drawing.markup(), _draw_amounts(calibration)),
        ("confidence", "answers", "mean confidence", "accuracy"),
        tuple(
            (
                f"{each['low']:.1f} to {each['high']:.1f}",
                f"{each['count']:,}",
                figure(each["confidence"]),
                figure(each["accuracy"]),
            )
            for each in calibration["bins"]
            if each["count"]
        ),
    )


def _draw_amounts(calibration: Mapping[str, Any]) -> Markup:
    ticks = nice_steps(max([each["count"] for each in calibration["bins"]] + [1]), 3)
    canvas = plot("Answers by their confidence", (0, 1), (0, ticks[-1]), height=170)
    canvas.mark_x(_TICKS, [f"{tick:g}" for tick in _TICKS])
    canvas.mark_y(ticks, [f"{tick:g}" for tick in ticks])
    for each in calibration["bins"]:
        left, right = canvas.x(each["low"]) + 2, canvas.x(each["high"]) - 2
        top = canvas.y(each["count"])
        told = f"{each['count']} answers of confidence {each['low']:.1f} to {each['high']:.1f}"
        canvas.drawing.rect(left, top, right - left, canvas.y.start - top, "bar", told)
    canvas.name_axes("confidence", "answers")
    return canvas.drawing.markup()


def _reading(calibration: Mapping[str, Any], temperature: float) -> str:
    words = (
        "Bars on the diagonal mean that 0.8 is right eight times in ten; below it the model is too "
        "sure of itself. The dashed line in each bar is what was claimed there. The expected "
        f"calibration error (ECE) is {figure(calibration['ece'])}: the mean distance between the "
        "two, weighted by answers."
    )
    if temperature == 1 or calibration["ece_untempered"] is None:
        return f"{words} No temperature was fitted." if calibration["ece"] is not None else NOTHING
    return (
        f"{words} Probabilities are taken at temperature {temperature:.2f}, fitted on the "
        f"validation split; without it the ECE would be {figure(calibration['ece_untempered'])}."
    )
