"""Commands typed in a folder, in a process of their own that may be killed on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 600
"""Seconds; the runs of the tests take some five on a calm machine."""


def start(folder: Path, command: str, *argv: str) -> subprocess.Popen[str]:
    """Type one of fer_det's commands in `folder`."""
    return start_python(folder, "-m", f"fer_det.cli.{command}", *argv)


def start_python(folder: Path, *argv: str) -> subprocess.Popen[str]:
    """Type `python *argv` in `folder`, on one thread."""
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, *argv],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        },
    )


def end(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """Wait for its end, good or bad."""
    out, err = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for its good end; -> what it said."""
    ended = end(process)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def kill_in_mid_epoch(process: subprocess.Popen[str], last: Path) -> None:
    """SIGKILL as soon as the first step is saved to `last`."""
    deadline = time.monotonic() + PATIENCE
    while not last.is_file():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
