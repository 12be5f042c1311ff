"""Prints what a full run has counted."""

from __future__ import annotations

import pytest
from fake_data.amounts import FULL, TOLD


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if FULL and TOLD:
        terminalreporter.section("counted")
        for line in TOLD:
            terminalreporter.line(line)
