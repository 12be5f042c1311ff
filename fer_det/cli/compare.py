"""tools/compare.py: several scores.json in, a table with a paired test out."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from fer_det.config.command import parse_config
from fer_det.config.scoring import CompareConfig
from fer_det.io.files import make_folder, write_text
from fer_det.runtime.command import EXIT_OK, run_command

PROG = "compare.py"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_compare, argv)


def _compare(argv: Sequence[str] | None) -> int:
    config = parse_config(CompareConfig, PROG, _named(argv))
    from fer_det.evaluation.comparison import compare_files, format_comparison
    from fer_det.report.compare_page import render_comparison

    comparison = compare_files(config.scores, config.rule, config.resamples)
    print(format_comparison(comparison), end="")
    if config.report is not None:
        make_folder(config.report.parent)
        write_text(config.report, render_comparison(comparison))
        print(f"report: {config.report}")
    return EXIT_OK


def _named(argv: Sequence[str] | None) -> list[str]:
    """The same words, with the flag put before files that stand first without it."""
    words = list(sys.argv[1:] if argv is None else argv)
    bare = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    files, flags = words[:bare], words[bare:]
    return [f"--scores={json.dumps(files)}", *flags] if files else flags


if __name__ == "__main__":
    sys.exit(main())
