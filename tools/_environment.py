"""Runs a tool in the project's own .venv when the python that was typed lacks the packages."""

import importlib.util
import os
import sys
from pathlib import Path

_VENV_PYTHON = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "python"

if importlib.util.find_spec("fer_det") is None or importlib.util.find_spec("torch") is None:
    if _VENV_PYTHON.is_file() and Path(sys.prefix) != _VENV_PYTHON.parent.parent:
        os.execv(_VENV_PYTHON, [str(_VENV_PYTHON), *sys.argv])
    print(
        "error: fer_det is not installed here; wanted the project's .venv; run: make venv",
        file=sys.stderr,
    )
    sys.exit(2)
