"""Figures as words, the same way all over the page."""

from __future__ import annotations

from collections.abc import Sequence

NOTHING = "-"


def figure(value: float | None) -> str:
    """'0.706', and '-' for nothing."""
    return NOTHING if value is None else f"{value:.3f}"


def interval(ends: Sequence[float] | None) -> str:
    """'0.671 to 0.740', and nothing for none."""
    return "" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def with_interval(value: float | None, ends: Sequence[float] | None) -> str:
    """'0.706 [0.671, 0.740]'."""
    return figure(value) + ("" if ends is None else f" [{ends[0]:.3f}, {ends[1]:.3f}]")


def count(number: int, noun: str) -> str:
    """'1 face', '1,024 faces'."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
