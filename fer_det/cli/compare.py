"""The command compare: several scores.json -> a table of paired tests, and an HTML report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from fer_det.config.command import parse_config
from fer_det.config.compare import CompareConfig
from fer_det.io.files import make_folder, write_text
from fer_det.runtime.command import EXIT_OK, run_command

PROG = "compare.py"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(_compare, argv)


def _compare(argv: Sequence[str] | None) -> int:
    config = parse_config(CompareConfig, PROG, argv)
    from fer_det.evaluation.comparison import compare_files
    from fer_det.evaluation.table import format_comparison

    comparison = compare_files(tuple(map(Path, config.scores)), config.rule, config.resamples)
    print(format_comparison(comparison), end="")
    if config.report is not None:
        from fer_det.report.comparison_page import render_comparison

        make_folder(config.report.parent)
        write_text(config.report, render_comparison(comparison))
        print(f"report: {config.report}")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
