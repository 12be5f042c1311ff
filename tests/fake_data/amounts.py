"""How much a harness does: little in the suite, all where FERDET_FAULTS=full (`make faults`)."""

from __future__ import annotations

import os

FULL = os.environ.get("FERDET_FAULTS") == "full"

TOLD: list[str] = []
"""A line a harness of what it has counted; printed at the end of a full run."""


def amount(short: int, full: int) -> int:
    """`full` in a full run, else `short`."""
    return full if FULL else short


def tell(line: str) -> None:
    """Note what was counted."""
    TOLD.append(line)
