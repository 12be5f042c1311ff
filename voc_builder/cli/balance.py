"""The command that balances a VOC folder."""

from __future__ import annotations

from collections.abc import Sequence

from fer_det.config.command import parse_config
from fer_det.runtime.command import EXIT_OK, run_command
from voc_builder.balance.config import BalanceConfig


def main(argv: Sequence[str] | None = None) -> int:
    """Balance a VOC folder and print the table; return the exit code."""
    return run_command(_balance_voc, argv)


def _balance_voc(argv: Sequence[str] | None) -> int:
    config = parse_config(BalanceConfig, "balance_voc", argv)
    # Not needed for --help.
    from voc_builder.balance.balance import balance

    outcome = balance(config)
    print(outcome.table, end="")
    if outcome.written:
        print(f"{outcome.written} of {outcome.pictures} pictures written to {config.out}")
    else:
        print(f"nothing to write: {config.out} has all {outcome.pictures} pictures")
    return EXIT_OK
