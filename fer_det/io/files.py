"""Files that appear whole or not at all."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from fer_det.errors import FerDetError, OutputError

TEMPORARY_SUFFIX = ".fer_det-tmp"


@contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for writing; it appears, whole and on disk, when the block ends without error.

    Raises OutputError where the place cannot be written; the previous file is then untouched.
    """
    with _replacing(path, TEMPORARY_SUFFIX) as temporary, temporary.open("wb") as file:
        yield file


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """The same for what opens files itself: a name to write to, with `path`'s own suffix.

    Raises OutputError also where the block ended without such a file.
    """
    with _replacing(path, TEMPORARY_SUFFIX + path.suffix) as temporary:
        yield temporary


def not_writable(path: Path, why: OSError | str) -> OutputError:
    """The error that says that a file could not be written, to be raised by the caller."""
    reason = why.strerror or why if isinstance(why, OSError) else why
    return OutputError(
        f"{path} could not be written ({reason})",
        "a folder with room that may be written",
        "free some space or choose another place",
    )


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` so that `path` holds either all of it or what it held before."""
    with atomic_writer(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write several files, each whole or not at all; all are on disk when this returns.

    Written one by one, each would wait for the disk twice, for what it holds and for its name; here
    the disk is waited for once for all that they hold, and once for each folder's names.
    OutputError where a file cannot be written; others may then have appeared.
    """
    temporaries = {
        path: path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}") for path in contents
    }
    path = Path()
    try:
        for path, data in contents.items():
            temporaries[path].write_bytes(data)
        _sync_files(temporaries.values())
        # No name is taken before its file is on disk.
        for path, temporary in temporaries.items():
            temporary.replace(path)
        for folder in {path.parent for path in contents}:
            _sync_folder(folder)
    except BaseException as error:
        for temporary in temporaries.values():
            _delete_if_possible(temporary)
        if isinstance(error, OSError):
            raise not_writable(path, error) from error
        raise


def make_folder(path: Path) -> Path:
    """Create `path` and its parents; OutputError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path} could not be created ({error.strerror or error})",
            "a folder that may be written",
            "choose another place",
        ) from error
    return path


def sweep_temporaries(folder: Path) -> int:
    """Delete what killed runs left half-written anywhere below `folder`; return how many."""
    stale = list(folder.rglob(f".*{TEMPORARY_SUFFIX}*"))
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)


@contextmanager
def _replacing(path: Path, ending: str) -> Iterator[Path]:
    """A temporary name beside `path`, whose file takes its place when the block ends well."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}{ending}")
    try:
        if path.exists() and not path.is_file():
            # A device such as /dev/null would be replaced by a plain file.
            raise not_writable(path, "it is no plain file")
        yield temporary
        # Opened for writing, since Windows syncs no other.
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        _delete_if_possible(temporary)
        if isinstance(error, FerDetError):
            raise
        raise not_writable(path, error) from error
    except BaseException:
        _delete_if_possible(temporary)
        raise


def _delete_if_possible(path: Path) -> None:
    # A read-only disk, or a file where the folder should be, refuses even this; what made the
    # writing fail is then the news.
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _sync_files(paths: Collection[Path]) -> None:
    """Return when what the files hold is on disk."""
    sync_disk = _find_syncfs()
    if sync_disk is None:
        for path in paths:
            # Opened for writing, since Windows syncs no other.
            with path.open("r+b") as file:
                os.fsync(file.fileno())
        return
    # Each fsync makes the disk empty its cache; one syncfs for all of them does so once.
    for folder in {path.parent.stat().st_dev: path.parent for path in paths}.values():
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            sync_disk(descriptor)
        finally:
            os.close(descriptor)


@cache
def _find_syncfs() -> Callable[[int], None] | None:
    """Linux's syncfs where it tells of errors, as it does from 5.8 on; None elsewhere."""
    if sys.platform != "linux" or _kernel_release() < (5, 8):
        return None
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "syncfs"):
        return None

    def sync_disk(descriptor: int) -> None:
        if library.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return sync_disk


def _kernel_release() -> tuple[int, ...]:
    numbers = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return tuple(map(int, numbers.groups())) if numbers else (0,)


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself survive a power cut, where the platform can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
