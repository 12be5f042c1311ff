"""A leaderboard as text for a terminal and as CSV."""

from __future__ import annotations

import csv
import io
import textwrap

import numpy as np

from fer_det.evaluation.comparison import MEASURES
from fer_det.evaluation.leaderboard import Leaderboard, Standing
from fer_det.evaluation.recognition import FEW_FACES, LEVEL
from fer_det.evaluation.table import (
    WIDTH,
    format_count,
    format_difference,
    format_grid,
    format_p,
    format_score,
    format_with_interval,
)

DECIMALS = 6
"""Of the figures in the CSV file."""
FIRST = "-"
"""In place of a comparison of the first run with itself."""


def format_leaderboard(board: Leaderboard) -> str:
    """Return the ranking, the recalls of each class, the tests, and notes."""
    blocks = [_ranking(board), _recalls(board), _notes(board)]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def leaderboard_to_csv(board: Leaderboard) -> str:
    """Return one line a run, best first, with a header; figures that do not exist are empty."""
    rows = [_flat(board, rank, each) for rank, each in enumerate(board.standings, start=1)]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def with_interval(standing: Standing, name: str, row: int | None = None) -> str:
    """Return '0.706 [0.671, 0.740]'. name: a field of Recognition; row: of its class."""
    value, ends = figures(standing, name, row)
    return format_with_interval(value, None if np.isnan(ends).any() else ends)


def figures(
    standing: Standing, name: str, row: int | None = None
) -> tuple[float, tuple[float, float]]:
    """Return a measure and the ends of its interval, NaN where there is nothing to count."""
    place = () if row is None else (row,)
    value = getattr(standing.scores, name)[place]
    low, high = (getattr(standing.intervals, name)[(end, *place)] for end in (0, 1))
    return float(value), (float(low), float(high))


def against_first(standing: Standing) -> tuple[str, str, str]:
    """Return differences of accuracy and mean recall from the first run, and corrected p."""
    if standing.paired is None or standing.corrected_p is None:
        return (FIRST,) * 3
    paired = standing.paired
    return (
        format_difference(paired.accuracy),
        format_difference(paired.mean_recall),
        format_p(standing.corrected_p).removeprefix("= "),
    )


def title(board: Leaderboard) -> str:
    """Return 'wild7, test: 693 labelled faces, the same for all 4 runs, by accuracy'."""
    count = len(board.standings)
    same = f", the same for all {count} runs" if count > 1 else ""
    faces = format_count(board.n, "labelled face")
    return f"{board.dataset}: {faces}{same}, by {MEASURES[board.sort]}"


def _ranking(board: Leaderboard) -> list[str]:
    lines = textwrap.wrap(title(board), WIDTH)
    if board.caution:
        lines.append(board.caution)
    lines.append(_line("", f"with {LEVEL:.0%} interval", "accuracy", "mean recall", "missed"))
    for rank, each in enumerate(board.standings, start=1):
        accuracy, recall = (with_interval(each, name) for name in ("accuracy", "mean_recall"))
        missed = f"{100 * float(each.scores.miss_rate):.1f} %"
        lines.append(_line(f"{rank}", each.name, accuracy, recall, missed))
    if len(board.standings) > 1:
        lines += ["", _line("", "minus run 1", "accuracy", "mean recall", "p, corrected")]
        for rank, each in enumerate(board.standings[1:], start=2):
            lines.append(_line(f"{rank}", each.name, *against_first(each)))
    return lines


def _recalls(board: Leaderboard) -> list[str]:
    counts = [f"{board.n_by_class[label]:,}" for label in board.classes]
    rows = [("faces", counts)]
    rows += [
        (f"run {rank}", [format_score(float(value)) for value in each.scores.recall])
        for rank, each in enumerate(board.standings, start=1)
    ]
    return ["recall by class", *format_grid(board.classes, rows)]


def _notes(board: Leaderboard) -> list[str]:
    notes = board.notes()
    few = [f"{label} {n}" for label, n in board.n_by_class.items() if 0 < n < FEW_FACES]
    if few:
        notes.append(f"Too few faces for a reliable interval: {', '.join(few)}.")
    return [line for note in notes for line in textwrap.wrap(note, WIDTH)]


def _line(rank: str, name: str, first: str, second: str, third: str) -> str:
    cut = name if len(name) <= 28 else f"{name[:27]}."
    return f"{rank:>2}  {cut:<29}{first:<25}{second:<25}{third}".rstrip()


def _flat(board: Leaderboard, rank: int, each: Standing) -> dict[str, object]:
    row: dict[str, object] = {"rank": rank, "run": each.name, "rule": each.rule, "faces": board.n}
    for name in (*MEASURES, "miss_rate"):
        row |= _with_ends(name, each, name)
    for place, label in enumerate(board.classes):
        row |= _with_ends(f"recall_{label}", each, "recall", place)
    paired = each.paired
    row |= {
        "accuracy_minus_first": "" if paired is None else round(paired.accuracy.value, DECIMALS),
        "only_first_correct": "" if paired is None else paired.only_first,
        "only_this_correct": "" if paired is None else paired.only_second,
        "mcnemar_p": "" if paired is None else paired.p_value,
        "mcnemar_p_holm": "" if each.corrected_p is None else each.corrected_p,
        "left_out": each.left_out,
        "dataset": each.protocol["dataset"],
        "split": each.protocol["split"],
        "label_map": each.protocol.get("label_map", "none"),
        "weights_sha256": each.protocol["weights_sha256"],
        "scores": each.path,
    }
    return row


def _with_ends(
    title: str, each: Standing, name: str, place: int | None = None
) -> dict[str, object]:
    value, ends = figures(each, name, place)
    named = zip(("", "_low", "_high"), (value, *ends), strict=True)
    return {f"{title}{end}": _number(number) for end, number in named}


def _number(value: float) -> float | str:
    return "" if np.isnan(value) else round(value, DECIMALS)
