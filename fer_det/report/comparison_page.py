"""A comparison of runs as one HTML file."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from fer_det.evaluation.comparison import MEASURES, Comparison, Difference, PairedDifference
from fer_det.evaluation.table import format_p, format_with_interval
from fer_det.report.page import render
from fer_det.report.svg import WIDTH, Drawing, Figure, Scale
from fer_det.report.tables import Table

_LEAST_REACH = 0.05
"""The axis of differences reaches at least so far to both sides."""


def render_comparison(comparison: Comparison) -> str:
    """Return the page as HTML."""
    others = list(enumerate(comparison.with_first, start=2))
    return render(
        "compare.html.j2",
        comparison=comparison,
        caution=comparison.caution,
        runs=Table(
            "Runs",
            ("run", "scores", "sha256 of the checkpoint"),
            tuple(
                (str(number), name, str(scores["protocol"]["weights_sha256"])[:12])
                for number, (name, scores) in enumerate(
                    zip(comparison.names, comparison.scores, strict=True), start=1
                )
            ),
        ),
        scores=_scores_table(comparison),
        tests=Table(
            "Accuracy compared with run 1",
            ("run", "only run 1 is correct", "only this run is correct", "McNemar exact p"),
            tuple(
                (
                    str(number),
                    f"{each.only_first:,}",
                    f"{each.only_second:,}",
                    format_p(each.p_value).removeprefix("= "),
                )
                for number, each in others
            ),
        ),
        figures=tuple(draw_differences(each, number) for number, each in others),
        conditions=comparison.differing_conditions(),
    )


def draw_differences(paired: PairedDifference, number: int) -> Figure:
    """Draw the differences of a run, by its number, from run 1."""
    differences = paired.by_measure()
    title = f"Run {number} minus run 1"
    return Figure(
        title,
        f"To the right of 0 run {number} is better, to the left run 1. Where the 95 % interval "
        "contains 0, the difference may be due to chance.",
        (_draw(differences, f"{title}, by measure"),),
        ("measure", "difference", "95 % interval"),
        tuple((name, f"{each.value:+.3f}", _ends(each)) for name, each in differences.items()),
    )


def _scores_table(comparison: Comparison) -> Table:
    rules = [each[comparison.rule] for each in comparison.scores]
    counts = comparison.scores[0]["n_by_class"]
    rows = [
        (label, *(format_with_interval(each[name], each["intervals"][name]) for each in rules))
        for name, label in MEASURES.items()
    ]
    rows += [
        (
            f"recall {label} ({counts[label]:,})",
            *(
                format_with_interval(each["recall"][label], each["intervals"]["recall"][label])
                for each in rules
            ),
        )
        for label in comparison.classes
    ]
    head = ("", *(f"run {number}" for number in range(1, len(rules) + 1)))
    return Table("Scores with 95 % intervals", head, tuple(rows))


def _draw(differences: Mapping[str, Difference], title: str) -> Markup:
    row_height, top, left, right = 26.0, 8.0, 128.0, 418.0
    bottom = top + row_height * len(differences)
    drawing = Drawing(WIDTH, bottom + 24, title)
    reach = max([_LEAST_REACH, *(abs(end) for each in differences.values() for end in _all(each))])
    step = next(size for size in (0.02, 0.05, 0.1, 0.2, 0.5) if size * 3 >= reach)
    x = Scale(-3 * step, 3 * step, left, right)
    for tick in (-2, -1, 0, 1, 2):
        place = x(tick * step)
        drawing.line((place, top), (place, bottom), "grid" if tick else "axis")
        label = f"{tick * step:+g}" if tick else "0"
        drawing.text(place, bottom + 12, label, "middle", "ink small")
    for row, (name, each) in enumerate(differences.items()):
        middle = top + row_height * (row + 0.5)
        tooltip = f"{name}: {each.value:+.3f}, {_ends(each)}"
        drawing.text(left - 8, middle, name, "end", "ink small")
        if each.interval is not None:
            low, high = each.interval
            drawing.line((x(low), middle), (x(high), middle), "whisker", tooltip)
        drawing.dot(x(each.value), middle, 5, "bar", tooltip)
        drawing.text(WIDTH - 2, middle, f"{each.value:+.3f}", "end", "ink number")
    return drawing.markup()


def _all(difference: Difference) -> tuple[float, ...]:
    return (difference.value, *(difference.interval or ()))


def _ends(difference: Difference) -> str:
    if difference.interval is None:
        return "no interval"
    low, high = difference.interval
    return f"{low:+.3f} to {high:+.3f}"
