"""How many training pictures each class has: as found, after balancing, and in an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fer_det.report.svg import WIDTH, Drawing, Figure, Scale

_LEFT, _RIGHT = 96.0, 420.0
_BAR = 11.0


@dataclass(frozen=True)
class ClassCounts:
    """Pictures of the training split by class, in one of its states."""

    name: str
    counts: Mapping[str, int]


def in_an_epoch(counts: Mapping[str, int], power: float) -> dict[str, int]:
    """How often a class is drawn where rare ones are repeated by (largest / own) ** power."""
    largest = max(counts.values(), default=0)
    return {
        label: round(number * (largest / number) ** power) if number else 0
        for label, number in counts.items()
    }


def draw_class_counts(states: tuple[ClassCounts, ...]) -> Figure:
    """states: at most three, of the same classes, the first as the data set has them."""
    labels = list(states[0].counts)
    row = _BAR * len(states) + 12
    top = 22.0 * len(states) + 6
    drawing = Drawing(WIDTH, top + row * len(labels) + 4, "Training pictures of each class")
    most = max([*(number for state in states for number in state.counts.values()), 1])
    x = Scale(0, most, _LEFT, _RIGHT)
    for number, state in enumerate(states):
        drawing.rect(_LEFT, 4 + 22 * number, 22, _BAR, f"state state{number}")
        drawing.text(_LEFT + 30, 4 + 22 * number + _BAR / 2, state.name, "start", "ink small")
    for place, label in enumerate(labels):
        above = top + row * place
        drawing.text(_LEFT - 8, above + _BAR * len(states) / 2, label, "end")
        for number, state in enumerate(states):
            value, height = state.counts[label], above + _BAR * number
            told = f"{label}, {state.name}: {value:,}"
            drawing.rect(_LEFT, height, x(value) - _LEFT, _BAR - 1.5, f"state state{number}", told)
            drawing.text(x(value) + 5, height + _BAR / 2, f"{value:,}", "start", "ink tiny")
    return Figure(
        "Training pictures by class",
        "Rare classes are rare in the world as well as in the data. Balancing copies them with "
        "jitter; an epoch may draw them more often still. Validation and test stay as they are.",
        (drawing.markup(),),
        ("class", *(state.name for state in states)),
        tuple((label, *(f"{state.counts[label]:,}" for state in states)) for label in labels),
    )
