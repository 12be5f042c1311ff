"""A leaderboard as one HTML file."""

from __future__ import annotations

import math

from markupsafe import Markup

from fer_det.evaluation.comparison import MEASURES
from fer_det.evaluation.leaderboard import Leaderboard, Standing
from fer_det.evaluation.leaderboard_table import (
    against_first,
    figures,
    title,
    with_interval,
)
from fer_det.report.page import render
from fer_det.report.svg import WIDTH, Drawing, Figure, Scale, nice_steps
from fer_det.report.tables import Table

_LONGEST_NAME = 22


def render_leaderboard(board: Leaderboard) -> str:
    """Return the page as HTML."""
    named = list(enumerate(board.standings, start=1))
    return render(
        "leaderboard.html.j2",
        board=board,
        title=title(board),
        caution=board.caution,
        ranking=Table(
            "Runs with 95 % intervals",
            ("", "run", *MEASURES.values(), "missed", "rule"),
            tuple(
                (
                    str(rank),
                    each.name,
                    *(with_interval(each, name) for name in MEASURES),
                    f"{100 * float(each.scores.miss_rate):.1f} %",
                    each.rule,
                )
                for rank, each in named
            ),
        ),
        figures=(draw_ranking(board, "accuracy"), draw_ranking(board, "mean_recall")),
        recalls=Table(
            "Recall of each class",
            ("", "run", *(f"{label} ({board.n_by_class[label]:,})" for label in board.classes)),
            tuple(
                (
                    str(rank),
                    each.name,
                    *(with_interval(each, "recall", row) for row in range(len(board.classes))),
                )
                for rank, each in named
            ),
        ),
        tests=Table(
            "Compared with run 1",
            (
                "",
                "run",
                "accuracy",
                "mean recall",
                "only run 1 is correct",
                "only this run is correct",
                "McNemar exact p, corrected",
            ),
            tuple(_test_row(rank, each) for rank, each in named[1:]),
        ),
        files=Table(
            "Files",
            ("", "scores", "data set, split", "sha256 of the weights", "label map"),
            tuple(
                (
                    str(rank),
                    each.path,
                    f"{each.protocol['dataset']}, {each.protocol['split']}",
                    str(each.protocol["weights_sha256"])[:12],
                    str(each.protocol.get("label_map", "none")),
                )
                for rank, each in named
            ),
        ),
    )


def draw_ranking(board: Leaderboard, name: str) -> Figure:
    """Draw one measure of all runs with its intervals."""
    label = MEASURES[name]
    rows = [
        (f"{rank} {each.name}", *figures(each, name))
        for rank, each in enumerate(board.standings, start=1)
    ]
    return Figure(
        f"{label[0].upper()}{label[1:]}",
        "Overlapping intervals do not mean that two runs are equal: the tests below compare them "
        "face by face.",
        (_draw(rows, label),),
        ("run", label, "95 % interval"),
        tuple(
            (run, f"{value:.3f}", f"{low:.3f} to {high:.3f}") for run, value, (low, high) in rows
        ),
    )


def _draw(rows: list[tuple[str, float, tuple[float, float]]], label: str) -> Markup:
    row_height, top, left, right = 26.0, 8.0, 178.0, 430.0
    bottom = top + row_height * len(rows)
    drawing = Drawing(WIDTH, bottom + 24, label)
    highest = max((high for _, _, (_, high) in rows if not math.isnan(high)), default=1.0)
    steps = nice_steps(highest)
    x = Scale(0, steps[-1], left, right)
    for step in steps:
        drawing.line((x(step), top), (x(step), bottom), "grid" if step else "axis")
        drawing.text(x(step), bottom + 12, f"{step:g}", "middle", "ink small")
    for row, (name, value, (low, high)) in enumerate(rows):
        middle = top + row_height * (row + 0.5)
        cut = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}."
        drawing.text(left - 8, middle, cut, "end", "ink small")
        if math.isnan(value):
            continue
        tooltip = f"{name}: {value:.3f}, {low:.3f} to {high:.3f}"
        if not math.isnan(low):
            drawing.line((x(low), middle), (x(high), middle), "whisker", tooltip)
        drawing.dot(x(value), middle, 5, "bar", tooltip)
        drawing.text(WIDTH - 2, middle, f"{value:.3f}", "end", "ink number")
    return drawing.markup()


def _test_row(rank: int, each: Standing) -> tuple[str, ...]:
    assert each.paired is not None
    accuracy, mean_recall, p_value = against_first(each)
    counts = (f"{each.paired.only_first:,}", f"{each.paired.only_second:,}")
    return (str(rank), each.name, accuracy, mean_recall, *counts, p_value)
