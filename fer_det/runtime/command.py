"""Running a command: exit codes, and errors as one line."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar

from fer_det.errors import FerDetError, OutputError
from fer_det.runtime.progress import print_line

EXIT_OK = 0
EXIT_USER_MISTAKE = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
"""What a shell reports for a program that a broken pipe ended."""

PROGRAM: ContextVar[str] = ContextVar("PROGRAM")
"""What the user typed to start the running command: `fer-det train` or `train_frcnn.py`."""


_TOOLS = {"eval": "eval_rafdb", "train": "train_frcnn"}
"""Scripts in tools/ that are not named after their command."""


def other_command(name: str) -> str:
    """Return how to start another command: as a script in tools/ where this one was, else fer-det.

    An installed package has no tools/.
    """
    if not PROGRAM.get("").endswith(".py"):
        return f"fer-det {name}"
    return f"python tools/{_TOOLS.get(name, name.replace('-', '_'))}.py"


def run_command(command: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None) -> int:
    """Run a command and return its exit code; a FerDetError is one line on stderr and code 2.

    Until the process ends, what stdout and stderr cannot encode is printed as an escape.
    """
    _skip_last_collections()
    _escape_unencodable()
    _let_threads_sleep()
    try:
        code = command(argv)
        # A full disk behind stdout should be reported while there is a place to report it to.
        sys.stdout.flush()
        return code
    except FerDetError as error:
        print_line(f"error: {error}", sys.stderr)
        return EXIT_USER_MISTAKE
    except BrokenPipeError:
        _drop_output()
        return EXIT_BROKEN_PIPE
    except OSError as error:
        # The system refused something that no other code has described better.
        _drop_output()
        print_line(f"error: {_describe(error)}", sys.stderr)
        return EXIT_USER_MISTAKE
    except KeyboardInterrupt:
        print_line("interrupted: run the same command again to continue", sys.stderr)
        return EXIT_INTERRUPTED


def _let_threads_sleep() -> None:
    """Have the threads of torch, which is imported later, sleep while they wait for each other.

    By default they spin, and a busy program beside this one then slows both: measured, a training
    step with two threads on two cores of which one was busy took half as long with sleeping ones.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _describe(error: OSError) -> OutputError:
    return OutputError(
        f"{error.filename or 'the output'} could not be used ({error.strerror or error})",
        "files and folders that can be read and written, with free space",
        "free some space, check the permissions or choose another place",
    )


def _escape_unencodable() -> None:
    """Let print() write a character that the terminal's encoding lacks as its escape."""
    for stream in (sys.stdout, sys.stderr):
        # Streams that replace the real ones, as in tests, may not have the method.
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _skip_last_collections() -> None:
    """Let this process end without searching for cyclic garbage.

    Python searches before a process ends; through all that torch and torchvision define, this
    takes a second. Buffers are still flushed and temporary folders still deleted.
    """
    atexit.register(gc.freeze)


def _drop_output() -> None:
    """Direct stdout to a place that accepts everything, so that the last flush does not fail."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
