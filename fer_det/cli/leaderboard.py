"""The command leaderboard: scores.json of any number of models -> one table on the same faces."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fer_det.config.command import parse_config
from fer_det.config.leaderboard import LeaderboardConfig
from fer_det.io.files import make_folder, write_text
from fer_det.runtime.command import EXIT_OK, run_command

PROG = "leaderboard.py"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(_rank, argv)


def _rank(argv: Sequence[str] | None) -> int:
    config = parse_config(LeaderboardConfig, PROG, argv)
    from fer_det.evaluation.leaderboard import rank_files
    from fer_det.evaluation.leaderboard_table import format_leaderboard, leaderboard_to_csv

    paths = tuple(map(Path, config.scores))
    board = rank_files(paths, config.sort, config.rule, config.resamples)
    print(format_leaderboard(board), end="")
    if config.csv is not None:
        make_folder(config.csv.parent)
        write_text(config.csv, leaderboard_to_csv(board))
        print(f"table: {config.csv}")
    if config.report is not None:
        from fer_det.report.leaderboard_page import render_leaderboard

        make_folder(config.report.parent)
        write_text(config.report, render_leaderboard(board))
        print(f"report: {config.report}")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
