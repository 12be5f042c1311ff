"""How the training went: its loss, and the validation scores that chose the epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from fer_det.report.svg import Figure, Plot, nice_steps, plot
from fer_det.report.words import figure

MOST_POINTS = 300
"""Of the loss of single steps; more than can be seen."""

_LEGEND = (0, 112, 264)
"""Where its entries begin."""

_SCORES = {
    "accuracy": ("accuracy", "curve"),
    "mean_recall": ("mean of recalls", "curve second"),
    "selection": ("mean that chooses", "curve third"),
}


def draw_learning(records: Sequence[Mapping[str, Any]], chosen: int | None) -> Figure | None:
    """records: of log.jsonl; chosen: the checkpoint's epoch, from 0. None where none has ended."""
    epochs = [record for record in records if record["kind"] == "epoch"]
    if not epochs:
        return None
    scores = [name for name in _SCORES if all(name in record for record in epochs)]
    return Figure(
        "Learning curves",
        "The loss of training steps (thin) and its mean over each epoch (dots); the scores on the "
        "validation split after each epoch. The upright line is the epoch whose weights were "
        "scored here; the mean that chooses is the score by which it was chosen, see Conditions. "
        "The test split had no part in it.",
        (_draw_loss(records, epochs, chosen), _draw_scores(epochs, scores, chosen)),
        ("epoch", "loss", *(_SCORES[name][0] for name in scores)),
        tuple(
            (
                f"{record['epoch'] + 1}" + (" (chosen)" if record["epoch"] == chosen else ""),
                figure(record["loss"]),
                *(figure(record[name]) for name in scores),
            )
            for record in epochs
        ),
    )


def _draw_loss(
    records: Sequence[Mapping[str, Any]], epochs: Sequence[Mapping[str, Any]], chosen: int | None
) -> Markup:
    steps = [record for record in records if record["kind"] == "step"]
    shown = steps[:: max(1, -(-len(steps) // MOST_POINTS))]
    last = max(record["step"] for record in epochs)
    pace = last / (epochs[-1]["epoch"] + 1)
    losses = [record["loss"] for record in (*shown, *epochs)]
    ticks = nice_steps(max(losses))
    canvas = plot("Training loss by epoch", (0, epochs[-1]["epoch"] + 1), (0, ticks[-1]))
    _mark_epochs(canvas, epochs)
    canvas.mark_y(ticks, [f"{tick:g}" for tick in ticks])
    canvas.drawing.path(
        (canvas.point(record["step"] / pace, record["loss"]) for record in shown), "curve faint"
    )
    means = [canvas.point(record["epoch"] + 1, record["loss"]) for record in epochs]
    canvas.drawing.path(means, "curve")
    for record, place in zip(epochs, means, strict=True):
        told = f"epoch {record['epoch'] + 1}: {figure(record['loss'])}"
        canvas.drawing.dot(*place, 3.5, "bar", told)
    _mark_chosen(canvas, chosen)
    canvas.name_axes("epoch", "training loss")
    return canvas.drawing.markup()


def _draw_scores(
    epochs: Sequence[Mapping[str, Any]], scores: Sequence[str], chosen: int | None
) -> Markup:
    canvas = plot(
        "Validation scores by epoch", (0, epochs[-1]["epoch"] + 1), (0, 1), height=300 + 44
    )
    canvas = Plot(canvas.drawing, canvas.x, type(canvas.y)(0, 1, 300 - 42, 26))
    _mark_epochs(canvas, epochs)
    canvas.mark_y((0, 0.2, 0.4, 0.6, 0.8, 1), ("0", "0.2", "0.4", "0.6", "0.8", "1"))
    for number, name in enumerate(scores):
        words, kind = _SCORES[name]
        values = [canvas.point(record["epoch"] + 1, record[name]) for record in epochs]
        canvas.drawing.path(values, kind, words)
        if len(values) == 1:
            canvas.drawing.dot(*values[0], 3.5, "bar", words)
        left = canvas.x.start + _LEGEND[number]
        canvas.drawing.line((left, 320), (left + 28, 320), kind)
        canvas.drawing.text(left + 34, 320, words, "start", "ink small")
    _mark_chosen(canvas, chosen)
    canvas.name_axes("epoch", "validation score")
    return canvas.drawing.markup()


def _mark_epochs(canvas: Plot, epochs: Sequence[Mapping[str, Any]]) -> None:
    ticks = nice_steps(epochs[-1]["epoch"] + 1, 6)
    inside = [tick for tick in ticks if tick == int(tick) and tick <= epochs[-1]["epoch"] + 1]
    canvas.mark_x(inside, [f"{tick:g}" for tick in inside])


def _mark_chosen(canvas: Plot, chosen: int | None) -> None:
    if chosen is not None:
        place = canvas.x(chosen + 1)
        told = f"chosen: epoch {chosen + 1}"
        canvas.drawing.line((place, canvas.y.start), (place, canvas.y.stop), "chosen", told)
