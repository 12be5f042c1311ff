"""Precision by recall of each class, and the calibration of the probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from fer_det.evaluation.calibration import UNCHANGED
from fer_det.evaluation.predictions import ScoredFace, rank_scores
from fer_det.evaluation.table import NOTHING, format_score
from fer_det.report.svg import Figure, nice_steps, plot

RECALL_POINTS = np.linspace(0, 1, 101)

_TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1)
_TITLE = "Precision and recall by class"

Curve = Sequence[float | None]


def draw_detection_curves(ap: Mapping[str, Any], n_by_class: Mapping[str, int]) -> Figure:
    """Draw the precision-recall curves of a detector; ap: the entry of scores.json, at IoU 0.5."""
    areas = {label: each["ap50"] for label, each in ap["by_class"].items()}
    caption = (
        "Boxes are counted from the highest score to the lowest. Further right, more faces of the "
        "class are found; higher up, fewer boxes are wrong. A box is correct where it overlaps a "
        "face of its class with an IoU of at least 0.5. The area below the curve is AP@0.5."
    )
    return _curves_figure(caption, ap["precision50"], areas, n_by_class)


def draw_classifier_curves(
    faces: Sequence[ScoredFace], classes: Sequence[str], n_by_class: Mapping[str, int]
) -> Figure:
    """Draw the precision-recall curves of a classifier, each class against all others."""
    curves = {label: classifier_curve(faces, classes, row) for row, label in enumerate(classes)}
    areas = {
        label: None if curve[0] is None else float(np.mean([value or 0 for value in curve]))
        for label, curve in curves.items()
    }
    caption = (
        "Faces are counted from the highest probability of the class to the lowest. Further right, "
        "more faces of the class are among them; higher up, fewer faces of other classes. The area "
        "below the curve is the average precision."
    )
    return _curves_figure(caption, curves, areas, n_by_class)


def classifier_curve(faces: Sequence[ScoredFace], classes: Sequence[str], row: int) -> Curve:
    """Return the highest precision at each of the RECALL_POINTS or beyond; None for no faces.

    row: number of the class, from 0. Faces of equal probability keep their order.
    """
    scored = [(each.probabilities[row], face) for face in faces if (each := _given(face))]
    ranking = rank_scores(np.array([probability for probability, _ in scored]))
    correct = np.array([scored[place][1].label == classes[row] for place in ranking], np.bool_)
    if not correct.any():
        return [None] * len(RECALL_POINTS)
    hits = correct.cumsum()
    precision = hits / np.arange(1, len(correct) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(hits / hits[-1], RECALL_POINTS - 1e-12)
    return [float(value) for value in best[place]]


def draw_calibration(calibration: Mapping[str, Any], temperature: float) -> Figure:
    """Draw the reliability diagram; calibration: of the primary rule in scores.json."""
    canvas = plot("Accuracy of the predictions by their confidence", (0, 1), (0, 1), height=340)
    canvas.mark_x(_TICKS)
    canvas.mark_y(_TICKS)
    filled = [each for each in calibration["bins"] if each["count"]]
    for each in filled:
        left, right = canvas.x(each["low"]) + 2, canvas.x(each["high"]) - 2
        top = canvas.y(each["accuracy"])
        tooltip = (
            f"{each['count']} predictions of confidence {each['low']:.1f} to {each['high']:.1f}: "
            f"accuracy {format_score(each['accuracy'])}, "
            f"mean confidence {format_score(each['confidence'])}"
        )
        canvas.drawing.rect(left, top, right - left, canvas.y.start - top, "bar", tooltip)
        confidence = canvas.y(each["confidence"])
        canvas.drawing.line((left, confidence), (right, confidence), "confidence", tooltip)
    canvas.drawing.line(canvas.point(0, 0), canvas.point(1, 1), "diagonal")
    canvas.name_axes("confidence: probability of the predicted class", "accuracy")
    return Figure(
        "Calibration",
        _calibration_caption(calibration, temperature),
        (canvas.drawing.markup(), _draw_counts(calibration)),
        ("confidence", "predictions", "mean confidence", "accuracy"),
        tuple(
            (
                f"{each['low']:.1f} to {each['high']:.1f}",
                f"{each['count']:,}",
                format_score(each["confidence"]),
                format_score(each["accuracy"]),
            )
            for each in filled
        ),
    )


def _given(face: ScoredFace) -> Any:
    return face.predictions.get("gt_box")


def _curves_figure(
    caption: str,
    curves: Mapping[str, Curve],
    areas: Mapping[str, float | None],
    n_by_class: Mapping[str, int],
) -> Figure:
    present = [label for label in curves if n_by_class[label]]
    return Figure(
        _TITLE,
        caption,
        tuple(_draw_curve(label, curves[label], areas[label]) for label in present),
        ("class", "faces", "average precision"),
        tuple((label, f"{n_by_class[label]:,}", format_score(areas[label])) for label in present),
    )


def _draw_curve(label: str, curve: Curve, area: float | None) -> Markup:
    width, height, left = 230.0, 200.0, 34.0
    title = f"{label}: precision by recall, average precision {format_score(area)}"
    canvas = plot(title, (0, 1), (0, 1), width, height, left)
    canvas.mark_x((0, 0.5, 1))
    canvas.mark_y((0, 0.5, 1))
    canvas.name_axes("recall", "")
    canvas.drawing.text(left, 12, label)
    canvas.drawing.text(width - 14, 12, f"AP {format_score(area)}", "end", "ink number")
    points = [
        canvas.point(float(recall), value)
        for recall, value in zip(RECALL_POINTS, curve, strict=True)
        if value is not None
    ]
    canvas.drawing.path(points, "curve", title)
    return canvas.drawing.markup()


def _draw_counts(calibration: Mapping[str, Any]) -> Markup:
    ticks = nice_steps(max(each["count"] for each in calibration["bins"]), 3)
    canvas = plot("Number of predictions by confidence", (0, 1), (0, ticks[-1]), height=170)
    canvas.mark_x(_TICKS)
    canvas.mark_y(ticks)
    for each in calibration["bins"]:
        left, right = canvas.x(each["low"]) + 2, canvas.x(each["high"]) - 2
        top = canvas.y(each["count"])
        tooltip = (
            f"{each['count']} predictions of confidence {each['low']:.1f} to {each['high']:.1f}"
        )
        canvas.drawing.rect(left, top, right - left, canvas.y.start - top, "bar", tooltip)
    canvas.name_axes("confidence", "predictions")
    return canvas.drawing.markup()


def _calibration_caption(calibration: Mapping[str, Any], temperature: float) -> str:
    if calibration["ece"] is None:
        return NOTHING
    caption = (
        "Each bar is the accuracy of the predictions of that confidence; the dashed line in it is "
        "their mean confidence. Bars on the diagonal mean that 0.8 is correct eight times in ten; "
        "bars below it mean that the confidence is too high. The expected calibration error (ECE), "
        "the mean distance between accuracy and confidence weighted by predictions, is "
        f"{format_score(calibration['ece'])}."
    )
    if temperature == UNCHANGED:
        return f"{caption} The probabilities are not scaled by a temperature."
    return (
        f"{caption} The logits were divided by a temperature of {temperature:.2f}, fitted on the "
        f"validation split; without it the ECE is {format_score(calibration['ece_untempered'])}."
    )
