"""The real FER2013 and FERPlus, for tests that run where FERDET_FER2013 names them.

It names a folder with fer2013.csv and fer2013new.csv, or one whose layouts.py writes them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

VARIABLE = "FERDET_FER2013"

needs_fer2013 = pytest.mark.skipif(VARIABLE not in os.environ, reason=f"{VARIABLE} is not set")


def csv_folder(empty: Path) -> Path:
    """Return a folder with both CSV files; they are written into `empty` where there are none."""
    given = Path(os.environ[VARIABLE])
    if (given / "fer2013.csv").is_file():
        return given
    argv = [sys.executable, str(given / "layouts.py"), str(empty), "csv"]
    subprocess.run(argv, check=True, capture_output=True)
    return empty
