"""Where runs are kept, and how a checkpoint is found by its bare name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fer_det.errors import OutputError, WeightsNotFoundError

RUNS = Path("runs")

_LOCK_NAME = ".lock"


def next_run_folder(kind: str) -> Path:
    """runs/<kind>-001, or the first number that is free."""
    number = 1
    while (folder := RUNS / f"{kind}-{number:03d}").exists():
        number += 1
    return folder


def newest_run_folder(kind: str, file_name: str) -> Path | None:
    """The runs/<kind>-... whose file of that name was written last, None where there is none."""
    found = [path for path in RUNS.glob(f"{kind}-*/{file_name}") if path.is_file()]
    return max(found, key=lambda path: path.stat().st_mtime_ns).parent if found else None


@contextmanager
def hold_run(folder: Path) -> Iterator[None]:
    """Keep other processes from training in `folder` while the block runs.

    The lock falls when its process ends, however that happens. Raises OutputError where another
    process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no such lock.
        yield
        return
    try:
        file = (folder / _LOCK_NAME).open("wb")
    except OSError as error:
        raise OutputError(
            f"{folder} could not be written ({error.strerror or error})",
            "a folder that may be written",
            "choose another --out",
        ) from error
    with file:
        try:
            # Of the kinds of lock the one that loader processes, forked from here, do not inherit:
            # they outlive a killed trainer by some seconds.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OutputError(
                f"{folder} is being trained in by another process",
                "a folder for this run alone",
                "wait for the other to end, or choose another --out",
            ) from error
        yield


def is_held(folder: Path) -> bool:
    """Whether another process holds `folder`."""
    try:
        with hold_run(folder):
            return False
    except OutputError:
        return True


def find_weights(name: Path) -> Path:
    """The file itself, or for a bare name that is not here the one in the newest run.

    Raises WeightsNotFoundError.
    """
    return find_all_weights(name)[0]


def find_all_weights(name: Path) -> list[Path]:
    """The file itself, or for a bare name that is not here those of all runs, newest first.

    Raises WeightsNotFoundError if there is none.
    """
    if name.is_file():
        return [name]
    if name.parent == Path():
        # Compared rather than globbed, since a name may hold a pattern's characters.
        found = [path for path in RUNS.rglob("*") if path.name == name.name and path.is_file()]
        if found:
            return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)
    raise WeightsNotFoundError(
        f"{name} is absent" + (f", also below {RUNS}/" if name.parent == Path() else ""),
        "a checkpoint",
        "train one with tools/train_frcnn.py, or name the file with its folder",
    )
