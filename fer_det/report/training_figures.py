"""Learning curves, training pictures by class, and the size of the faces."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from fer_det.evaluation.predictions import ScoredFace
from fer_det.evaluation.table import format_score
from fer_det.report.svg import WIDTH, Drawing, Figure, Plot, Scale, nice_steps, plot

MOST_POINTS = 300
"""Maximum number of step losses that are drawn."""

_SCORES = {
    "accuracy": ("accuracy", "curve"),
    "mean_recall": ("mean recall", "curve second"),
    "selection": ("selection score", "curve third"),
}
_LEGEND = (0, 112, 240)
"""Positions of the legend's entries."""
_BINS = 16

Records = Sequence[Mapping[str, Any]]


def draw_learning(records: Records, selected: int | None) -> Figure | None:
    """Draw losses and validation scores; None where no epoch has ended.

    records: of log.jsonl; selected: the epoch of the checkpoint, from 0.
    """
    epochs = [each for each in records if each["kind"] == "epoch" and _is_finite(each, "loss")]
    if not epochs:
        return None
    steps = [each for each in records if each["kind"] == "step" and _is_finite(each, "loss")]
    scores = [name for name in _SCORES if all(_is_finite(each, name) for each in epochs)]
    return Figure(
        "Learning curves",
        "First plot: the loss of training steps (thin) and its mean over each epoch (dots). Second "
        "plot: scores on the validation split after each epoch. The dashed vertical line marks the "
        "epoch of this checkpoint. best.pth is the epoch with the highest selection score: a mean "
        "recall in which each class's recall is shrunk towards the accuracy, so that classes with "
        "few validation faces have little influence. The test split has no part in it.",
        (_draw_loss(steps, epochs, selected), _draw_scores(epochs, scores, selected)),
        ("epoch", "loss", *(_SCORES[name][0] for name in scores)),
        tuple(
            (
                f"{each['epoch'] + 1}" + (" (selected)" if each["epoch"] == selected else ""),
                format_score(each["loss"]),
                *(format_score(each[name]) for name in scores),
            )
            for each in epochs
        ),
    )


def draw_class_counts(states: Mapping[str, Mapping[str, int]]) -> Figure:
    """Draw training pictures by class; states: at most three, name -> class -> pictures.

    The first state is the data set as it is; all have the same classes.
    """
    bar, left, right = 11.0, 96.0, 420.0
    first = next(iter(states.values()))
    row_height = bar * len(states) + 12
    top = 22.0 * len(states) + 6
    drawing = Drawing(WIDTH, top + row_height * len(first) + 4, "Training pictures of each class")
    most = max([*(number for counts in states.values() for number in counts.values()), 1])
    x = Scale(0, most, left, right)
    for number, name in enumerate(states):
        drawing.rect(left, 4 + 22 * number, 22, bar, f"series{number}")
        drawing.text(left + 30, 4 + 22 * number + bar / 2, name, "start", "ink small")
    for place, label in enumerate(first):
        above = top + row_height * place
        drawing.text(left - 8, above + bar * len(states) / 2, label, "end")
        for number, (name, counts) in enumerate(states.items()):
            value, y = counts.get(label, 0), above + bar * number
            tooltip = f"{label}, {name}: {value:,}"
            drawing.rect(left, y, x(value) - left, bar - 1.5, f"series{number}", tooltip)
            drawing.text(x(value) + 5, y + bar / 2, f"{value:,}", "start", "ink tiny")
    return Figure(
        "Training pictures by class",
        "Rare expressions have few pictures. Balancing adds jittered copies of them, and the "
        "sampler may repeat them more often in an epoch. Validation and test are not changed.",
        (drawing.markup(),),
        ("class", *states),
        tuple(
            (label, *(f"{counts.get(label, 0):,}" for counts in states.values())) for label in first
        ),
    )


def sampled_in_an_epoch(counts: Mapping[str, int], power: float) -> dict[str, int]:
    """Return how often each class is sampled if repeated by (largest / own count) ** power."""
    largest = max(counts.values(), default=0)
    return {
        label: round(number * (largest / number) ** power) if number else 0
        for label, number in counts.items()
    }


def draw_box_sizes(faces: Sequence[ScoredFace], rule: str, input_size: int) -> Figure:
    """Draw histograms of the size of at least one labelled face, in pixels.

    input_size: side of the square model input that a picture is scaled into.
    """
    sides = np.array([_side(face) for face in faces])
    in_input = sides * [input_size / max(face.size) for face in faces]
    correct = np.array([face.is_correct(rule) for face in faces])
    return Figure(
        "Size of the labelled faces",
        "The side of a square with the area of the face's box: first in the picture, then after "
        f"the picture was scaled to {input_size} pixels, which is what the model receives. The "
        "table has the accuracy for small and for large faces.",
        (
            _draw_histogram(sides, "side in the picture, in pixels"),
            _draw_histogram(in_input, f"side in the input of {input_size} pixels"),
        ),
        ("side in the input", "faces", "accuracy"),
        _accuracy_by_size(in_input, correct),
    )


def _is_finite(record: Mapping[str, Any], name: str) -> bool:
    value = record.get(name)
    return isinstance(value, int | float) and math.isfinite(value)


def _draw_loss(steps: Records, epochs: Records, selected: int | None) -> Markup:
    shown = steps[:: max(1, -(-len(steps) // MOST_POINTS))]
    places = _epochs_done(shown, epochs)
    last = math.ceil(max([epochs[-1]["epoch"] + 1, *places]))
    losses = [each["loss"] for each in (*shown, *epochs)]
    ticks = nice_steps(max(*losses, 0))
    canvas = plot("Training loss by epoch", (0, last), (min(*losses, 0), ticks[-1]))
    _mark_epochs(canvas, last)
    canvas.mark_y(ticks)
    canvas.drawing.path(
        (canvas.point(x, each["loss"]) for x, each in zip(places, shown, strict=True)),
        "curve faint",
    )
    means = [canvas.point(each["epoch"] + 1, each["loss"]) for each in epochs]
    canvas.drawing.path(means, "curve")
    for each, place in zip(epochs, means, strict=True):
        tooltip = f"epoch {each['epoch'] + 1}: {format_score(each['loss'])}"
        canvas.drawing.dot(*place, 3.5, "bar", tooltip)
    _mark_selected(canvas, selected, last)
    canvas.name_axes("epoch", "training loss")
    return canvas.drawing.markup()


def _epochs_done(steps: Records, epochs: Records) -> list[float]:
    """Return the position of each step in epochs; beyond the last one for an epoch under way."""
    ends = [0, *(each["step"] for each in epochs)]
    numbers = [0, *(each["epoch"] + 1 for each in epochs)]
    per_step = (numbers[-1] - numbers[-2]) / max(ends[-1] - ends[-2], 1)
    places = []
    for each in steps:
        place = float(np.interp(each["step"], ends, numbers))
        # An epoch under way has not ended, whatever the pace of the one before.
        place += min(max(each["step"] - ends[-1], 0) * per_step, 1.0)
        places.append(place)
    return places


def _draw_scores(epochs: Records, scores: Sequence[str], selected: int | None) -> Markup:
    height, below = 344.0, 86.0
    last = epochs[-1]["epoch"] + 1
    canvas = plot("Validation scores by epoch", (0, last), (0, 1), height=height, below=below)
    _mark_epochs(canvas, last)
    canvas.mark_y((0, 0.2, 0.4, 0.6, 0.8, 1))
    for place, name in zip(_LEGEND, scores, strict=False):
        label, css = _SCORES[name]
        values = [canvas.point(each["epoch"] + 1, each[name]) for each in epochs]
        canvas.drawing.path(values, css, label)
        if len(values) == 1:
            canvas.drawing.dot(*values[0], 3.5, "bar", label)
        left, middle = canvas.x.start + place, height - 24
        canvas.drawing.line((left, middle), (left + 28, middle), css)
        canvas.drawing.text(left + 34, middle, label, "start", "ink small")
    _mark_selected(canvas, selected, last)
    canvas.name_axes("epoch", "validation score")
    return canvas.drawing.markup()


def _mark_epochs(canvas: Plot, last: int) -> None:
    canvas.mark_x([tick for tick in nice_steps(last, 6) if tick == int(tick) and tick <= last])


def _mark_selected(canvas: Plot, selected: int | None, last: int) -> None:
    # The log may be of another run, with fewer epochs.
    if selected is not None and selected + 1 <= last:
        place = canvas.x(selected + 1)
        tooltip = f"selected: epoch {selected + 1}"
        canvas.drawing.line((place, canvas.y.start), (place, canvas.y.stop), "selected", tooltip)


def _side(face: ScoredFace) -> float:
    x_min, y_min, x_max, y_max = face.box
    return float(np.sqrt((x_max - x_min) * (y_max - y_min)))


def _draw_histogram(sides: NDArray[np.float64], axis: str) -> Markup:
    ticks = nice_steps(float(sides.max()))
    counts, edges = np.histogram(sides, bins=_BINS, range=(0, ticks[-1]))
    high = nice_steps(float(counts.max()), 4)
    canvas = plot(f"Faces by their {axis}", (0, ticks[-1]), (0, high[-1]), height=220)
    canvas.mark_x(ticks)
    canvas.mark_y(high)
    for number, low, up in zip(counts.tolist(), edges[:-1], edges[1:], strict=True):
        left, top = canvas.point(float(low), number)
        width = canvas.x(float(up)) - left - 1.5
        tooltip = f"{low:.0f} to {up:.0f} pixels: {number}"
        canvas.drawing.rect(left, top, width, canvas.y.start - top, "bar", tooltip)
    canvas.name_axes(axis, "faces")
    return canvas.drawing.markup()


def _accuracy_by_size(
    sides: NDArray[np.float64], correct: NDArray[np.bool_]
) -> tuple[tuple[str, str, str], ...]:
    """Return a row for each third of the faces, the smallest first."""
    order = np.argsort(sides, kind="stable")
    rows = []
    for part in np.array_split(order, min(3, len(order))):
        low, high = sides[part].min(), sides[part].max()
        accuracy = format_score(float(correct[part].mean()))
        rows.append((f"{low:.0f} to {high:.0f} px", f"{len(part):,}", accuracy))
    return tuple(rows)
