"""A disk that is not waited for, where a test pulls no plug."""

from __future__ import annotations

import os

import pytest

from fer_det.io import files


def do_not_wait(patch: pytest.MonkeyPatch) -> None:
    """Let fsync and syncfs return at once: what a power cut leaves behind is not asked."""
    patch.setattr(os, "fsync", lambda descriptor: None)
    patch.setattr(files, "_find_syncfs", lambda: lambda descriptor: None)
