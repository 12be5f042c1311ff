"""The command that checks a VOC folder and prints one line for each defect."""

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
    """Run the command and return its exit code."""
    return run_command(_check, argv)


def _check(argv: Sequence[str] | None) -> int:
    config = parse_config(CheckConfig, PROG, argv)
    # Imported here, since --help needs no image library.
    from fer_det.checks.folder import check_folder
    from fer_det.io.voc import VocFolder

    checked = check_folder(config)
    for finding in checked.findings:
        print(finding)
    print(f"{config.data}: {_summary(checked)}", flush=True)
    for overlap in checked.overlaps:
        print(f"{config.data} and {overlap.trained.name}, {overlap.describe()}", flush=True)
    if checked.refused:
        with VocFolder(config.data).name_importer():
            raise DatasetFormatError(
                f"{config.data} has {_counted(checked.refused, 'defect')}, listed above",
                "a VOC folder without defects",
                "correct or remove what is named, or build the folder again",
            )
    return EXIT_OK


def _summary(checked: CheckedFolder) -> str:
    pictures = ", ".join(f"{count} {split}" for split, count in checked.pictures.items())
    warnings = len(checked.findings) - checked.refused
    found = f"{_counted(checked.refused, 'defect')}, {_counted(warnings, 'warning')}"
    text = f"{pictures or 'no'} pictures; {found}"
    if checked.has_manifest:
        return text
    return f"{text}; no manifest, so persons and source files were not compared"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


if __name__ == "__main__":
    sys.exit(main())
