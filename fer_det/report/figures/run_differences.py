"""What a run gains and loses against another, with intervals around no difference."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from fer_det.evaluation.paired import Difference, Paired
from fer_det.report.svg import WIDTH, Drawing, Figure, Scale

_ROW, _TOP = 26.0, 8.0
_LEFT, _RIGHT = 128.0, 418.0
_LEAST = 0.05
"""The axis reaches at least so far to both sides."""


def draw_differences(paired: Paired, second: int) -> Figure:
    """paired: of run number `second` against run 1."""
    found: dict[str, Difference | None] = {
        "accuracy": paired.accuracy,
        "mean of recalls": paired.mean_recall,
        **{f"recall {label}": each for label, each in paired.recall.items()},
    }
    known = {name: each for name, each in found.items() if each is not None}
    return Figure(
        f"Run {second} less run 1",
        f"To the right of the upright line run {second} is better, to the left run 1. Where the "
        "95 % interval holds the line, the difference may be luck.",
        (_draw(known, f"Run {second} less run 1, by measure"),),
        ("measure", "difference", "95 % interval"),
        tuple(
            (name, f"{each.value:+.3f}", f"{each.low:+.3f} to {each.high:+.3f}")
            for name, each in known.items()
        ),
    )


def _draw(known: Mapping[str, Difference], title: str) -> Markup:
    bottom = _TOP + _ROW * len(known)
    drawing = Drawing(WIDTH, bottom + 24, title)
    reach = max([_LEAST, *(abs(end) for each in known.values() for end in (each.low, each.high))])
    step = next(size for size in (0.02, 0.05, 0.1, 0.2, 0.5) if size * 3 >= reach)
    ends = step * 3
    x = Scale(-ends, ends, _LEFT, _RIGHT)
    for tick in (-2, -1, 0, 1, 2):
        place = x(tick * step)
        drawing.line((place, _TOP), (place, bottom), "grid" if tick else "axis")
        drawing.text(
            place, bottom + 12, f"{tick * step:+g}" if tick else "0", "middle", "ink small"
        )
    for row, (name, each) in enumerate(known.items()):
        middle = _TOP + _ROW * (row + 0.5)
        told = f"{name}: {each.value:+.3f}, {each.low:+.3f} to {each.high:+.3f}"
        drawing.text(_LEFT - 8, middle, name, "end", "ink small")
        drawing.line((x(each.low), middle), (x(each.high), middle), "whisker", told)
        drawing.dot(x(each.value), middle, 5, "bar", told)
        drawing.text(WIDTH - 2, middle, f"{each.value:+.3f}", "end", "ink number")
    return drawing.markup()
