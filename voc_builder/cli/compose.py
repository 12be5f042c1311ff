"""The command that composes pictures of labelled faces."""

from __future__ import annotations

from collections.abc import Sequence

from fer_det.config.command import parse_config
from fer_det.runtime.command import EXIT_OK, run_command
from voc_builder.compose.config import ComposeConfig


def main(argv: Sequence[str] | None = None) -> int:
    """Compose a VOC folder; return the exit code."""
    return run_command(_compose, argv)


def _compose(argv: Sequence[str] | None) -> int:
    config = parse_config(ComposeConfig, "compose", argv)
    # Not needed for --help.
    from voc_builder.compose.compose import compose_folder

    outcome = compose_folder(config)
    for split, count in outcome.pictures.items():
        print(f"{split}: {count} pictures with {outcome.faces[split]} faces")
    total = sum(outcome.pictures.values())
    if outcome.written:
        print(f"{outcome.written} of {total} pictures written to {config.out}")
    else:
        print(f"nothing to write: {config.out} has all {total} pictures")
    return EXIT_OK
