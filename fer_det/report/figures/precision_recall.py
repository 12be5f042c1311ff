"""Precision by recall, a small plot for each class: what is named rightly as more is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from fer_det.evaluation.answers import FaceRecord
from fer_det.report.svg import Figure, plot
from fer_det.report.words import figure

RECALL_POINTS = np.linspace(0, 1, 101)

_WIDTH, _HEIGHT = 230.0, 200.0
_TICKS, _WORDS = (0, 0.5, 1), ("0", "0.5", "1")

Curve = Sequence[float | None]


def draw_detection_curves(ap: Mapping[str, Any], n_by_class: Mapping[str, int]) -> Figure:
    """ap: of scores.json, by COCO's definition at IoU 0.5."""
    areas = {label: each["ap50"] for label, each in ap["by_class"].items()}
    return _draw(
        "Precision and recall by class",
        "Boxes are taken from the surest to the least sure. To the right more of the class's faces "
        "are found, to the top fewer boxes are wrong; a box counts where it overlaps the face by "
        "half (IoU 0.5) and names its class. The area below the curve is AP@0.5.",
        ap["precision50"],
        areas,
        n_by_class,
    )


def draw_given_curves(
    faces: Sequence[FaceRecord], classes: Sequence[str], n_by_class: Mapping[str, int]
) -> Figure:
    """For a classifier, which is given the faces: each class against all others."""
    curves = {label: given_curve(faces, classes, row) for row, label in enumerate(classes)}
    areas = {
        label: None if curve[0] is None else float(np.mean([value or 0 for value in curve]))
        for label, curve in curves.items()
    }
    return _draw(
        "Precision and recall by class",
        "Faces are taken by the probability of one class, from the surest on. To the right more of "
        "the class's faces are among them, to the top fewer of other classes. The area below the "
        "curve is the average precision.",
        curves,
        areas,
        n_by_class,
    )


def given_curve(faces: Sequence[FaceRecord], classes: Sequence[str], row: int) -> Curve:
    """[101]: the best precision at each recall or beyond it; None throughout for no faces."""
    told = [(answer.probabilities[row], face) for face in faces if (answer := _given(face))]
    ordered = sorted(told, key=lambda pair: -pair[0])
    right: NDArray[np.bool_] = np.array([face.label == classes[row] for _, face in ordered])
    if not right.any():
        return [None] * len(RECALL_POINTS)
    hits = right.cumsum()
    precision = hits / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    place = np.searchsorted(hits / hits[-1], RECALL_POINTS - 1e-12)
    return [float(value) for value in best[place]]


def _given(face: FaceRecord) -> Any:
    return face.answers.get("gt_box")


def _draw(
    title: str,
    reading: str,
    curves: Mapping[str, Curve],
    areas: Mapping[str, float | None],
    n_by_class: Mapping[str, int],
) -> Figure:
    present = [label for label in curves if n_by_class[label]]
    return Figure(
        title,
        reading,
        tuple(_draw_class(label, curves[label], areas[label]) for label in present),
        ("class", "faces", "average precision"),
        tuple((label, f"{n_by_class[label]:,}", figure(areas[label])) for label in present),
    )


def _draw_class(label: str, curve: Curve, area: float | None) -> Markup:
    title = f"{label}: precision by recall, average precision {figure(area)}"
    canvas = plot(title, (0, 1), (0, 1), _WIDTH, _HEIGHT, 34)
    canvas.mark_x(_TICKS, _WORDS)
    canvas.mark_y(_TICKS, _WORDS)
    canvas.name_axes("recall", "")
    canvas.drawing.text(34, 12, label)
    canvas.drawing.text(_WIDTH - 14, 12, f"AP {figure(area)}", "end", "ink number")
    points = [
        canvas.point(float(recall), value)
        for recall, value in zip(RECALL_POINTS, curve, strict=True)
        if value is not None
    ]
    canvas.drawing.path(points, "curve", title)
    return canvas.drawing.markup()
