"""Runs a benchmark in the project's own .venv; import it first, as the tools do _environment."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import _environment  # noqa: F401
