"""Start of every script here: switches to the project's .venv where packages are missing."""

import importlib.util
import os
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_VENV_PYTHON = _ROOT / ".venv" / "bin" / "python"


def run_tool(command: str) -> None:
    """Run the command of fer-det that the running script is for, and exit with its code."""
    from fer_det.cli.main import run

    sys.exit(run(command, prog=Path(sys.argv[0]).name))


if importlib.util.find_spec("fer_det") is None or importlib.util.find_spec("torch") is None:
    if _VENV_PYTHON.is_file() and Path(sys.prefix) != _VENV_PYTHON.parent.parent:
        os.execv(_VENV_PYTHON, [str(_VENV_PYTHON), *sys.argv])
    print(
        "error: fer_det is not installed here; wanted the project's .venv; run: make venv",
        file=sys.stderr,
    )
    sys.exit(2)
