"""Work in a forked process that is killed by SIGKILL at a chosen moment."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.truncate")


def count_events(work: Callable[[], object], folder: Path) -> int:
    """Count how often the work opens, renames, removes or creates something below the folder."""
    reading, writing = os.pipe()
    _wait(_fork(work, folder, None, writing))
    os.close(writing)
    with os.fdopen(reading) as pipe:
        return int(pipe.read())


def kill_at_event(work: Callable[[], object], folder: Path, number: int) -> bool:
    """Do the work and kill it just before its `number`-th event; -> whether it was killed."""
    return _wait(_fork(work, folder, number, None))


def kill_at_time(work: Callable[[], object], folder: Path, seconds: float) -> bool:
    """Do the work and kill it after some seconds; -> whether it was still running."""
    process = _fork(work, folder, None, None)
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    return _wait(process)


def kill_after_change(work: Callable[[], object], path: Path, seconds: float) -> bool:
    """Do the work, wait until it has replaced the file, and kill it some seconds later."""
    before = path.stat().st_mtime_ns
    process = _fork(work, path.parent, None, None)
    deadline = time.monotonic() + 60
    while path.stat().st_mtime_ns == before and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    return _wait(process)


def moments(count: int, events: int, seconds: float, seed: int) -> list[tuple[str, float]]:
    """Sample moments to kill at, half of them by event and half by time."""
    draw = random.Random(seed)
    return [
        ("event", draw.randrange(events)) if number % 2 else ("time", draw.uniform(0, seconds))
        for number in range(count)
    ]


def kill(work: Callable[[], object], folder: Path, moment: tuple[str, float]) -> bool:
    """Kill the work at that moment; -> whether it was killed before its end."""
    kind, value = moment
    if kind == "event":
        return kill_at_event(work, folder, int(value))
    return kill_at_time(work, folder, value)


def _fork(work: Callable[[], object], folder: Path, number: int | None, told: int | None) -> int:
    process = os.fork()
    if process:
        return process
    # The child must not return to pytest, whatever happens.
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event not in _EVENTS or not isinstance(arguments[0], (str, bytes, os.PathLike)):
            return
        if os.fspath(arguments[0]).startswith(str(folder)):  # type: ignore[arg-type]
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1

    try:
        sys.addaudithook(hook)
        work()
        if told is not None:
            os.write(told, str(seen).encode())
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _wait(process: int) -> bool:
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL), f"the work ended with exit code {code}"
    return code != 0
