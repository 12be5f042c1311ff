"""A comparison of runs as one HTML file."""

from __future__ import annotations

from fer_det.evaluation.comparison import MEASURES, Comparison, p_text
from fer_det.report.figures.run_differences import draw_differences
from fer_det.report.page import render
from fer_det.report.tables import Table
from fer_det.report.words import with_interval


def render_comparison(comparison: Comparison) -> str:
    """The page as HTML."""
    return render(
        "compare.html.j2",
        comparison=comparison,
        caution=comparison.caution,
        runs=Table(
            "Runs",
            ("run", "scores", "checkpoint's sha256"),
            tuple(
                (str(number), name, str(scores["protocol"]["weights_sha256"])[:12])
                for number, (name, scores) in enumerate(
                    zip(comparison.names, comparison.scores, strict=True), start=1
                )
            ),
        ),
        figures_table=_figures(comparison),
        tests=Table(
            "Accuracy against run 1",
            ("run", "only run 1 is right", "only this run is right", "McNemar exact p"),
            tuple(
                (
                    str(number),
                    f"{each.only_first:,}",
                    f"{each.only_second:,}",
                    p_text(each.p_value).removeprefix("= "),
                )
                for number, each in enumerate(comparison.against_first, start=2)
            ),
        ),
        figures=tuple(
            draw_differences(each, number)
            for number, each in enumerate(comparison.against_first, start=2)
        ),
        conditions=comparison.differing_conditions(),
    )


def _figures(comparison: Comparison) -> Table:
    rules = [each[comparison.rule] for each in comparison.scores]
    counts = comparison.scores[0]["n_by_class"]
    rows = [
        (words, *(with_interval(each[name], each["intervals"][name]) for each in rules))
        for name, words in MEASURES.items()
    ]
    rows += [
        (
            f"recall {label} ({counts[label]:,})",
            *(
                with_interval(each["recall"][label], each["intervals"]["recall"][label])
                for each in rules
            ),
        )
        for label in comparison.classes
    ]
    head = ("", *(f"run {number}" for number in range(1, len(rules) + 1)))
    return Table("Scores with 95 % intervals", head, tuple(rows))
