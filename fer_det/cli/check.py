"""tools/check_voc.py: a VOC folder in, a line for every defect out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fer_det.config.check import CheckConfig
from fer_det.config.command import parse_config
from fer_det.errors import DatasetFormatError
from fer_det.runtime.command import EXIT_OK, run_command

if TYPE_CHECKING:
    from fer_det.checks.folder import CheckedFolder

PROG = "check_voc.py"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_check, argv)


def _check(argv: Sequence[str] | None) -> int:
    config = parse_config(CheckConfig, PROG, argv)
    from fer_det.checks.folder import check_folder

    checked = check_folder(config)
    for finding in checked.findings:
        print(finding)
    print(f"{config.data}: {_summary(checked)}", flush=True)
    if checked.refused:
        raise DatasetFormatError(
            f"{config.data} has {checked.refused} defects, told above",
            "a VOC folder without one",
            "correct or leave out what is named, or build the folder anew",
        )
    return EXIT_OK


def _summary(checked: CheckedFolder) -> str:
    pictures = ", ".join(f"{count} {split}" for split, count in checked.pictures.items())
    warnings = len(checked.findings) - checked.refused
    told = f"{pictures or 'no'} pictures; {checked.refused} defects, {warnings} warnings"
    if checked.has_manifest:
        return told
    return f"{told}; no manifest, so persons and sources were not compared"


if __name__ == "__main__":
    sys.exit(main())
