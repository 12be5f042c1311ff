"""Files that appear whole or not at all, folders that one process claims, files of the package."""

from __future__ import annotations

import ctypes
import itertools
import os
import platform
import re
import sys
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from fer_det.errors import FerDetError, OutputError

TEMPORARY_SUFFIX = ".fer_det-tmp"
"""Temporary files are named .<machine>-<process>-<its start>-<number>, this, and maybe a suffix."""

STALE_SECONDS = 3600
"""A temporary file of another machine is swept when nothing was written to it for so long."""

_TEMPORARY_NAME = re.compile(rf"\.([0-9a-f]{{8}})-(\d+)-(\d+)-\d+{re.escape(TEMPORARY_SUFFIX)}.*")
_LONGEST_SUFFIX = 16
_numbers = itertools.count()


@contextmanager
def atomic_writer(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for writing; it appears, whole and on disk, when the block ends without error.

    Raises OutputError where it cannot be written; the previous file is then unchanged.
    """
    with _replacing(path, "") as temporary, temporary.open("wb") as file:
        yield file


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """The same for code that opens files itself: a path to write to, with the suffix of `path`.

    Raises OutputError also where the block ends without a file there.
    """
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= _LONGEST_SUFFIX else ""
    with _replacing(path, suffix) as temporary:
        yield temporary


def not_writable(path: Path, why: OSError | str) -> OutputError:
    """Return the error for a file that could not be written; the caller raises it."""
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
    """Write `text` as UTF-8, whole or not at all; lone surrogates become their escapes."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write several files, each whole or not at all; all are on disk when this returns.

    Written one by one, each would wait for the disk twice, for its content and for its name. Here
    all contents are waited for once, and the names once a folder. Raises OutputError where a file
    cannot be written; others may then have appeared.
    """
    temporaries = {path: _temporary(path) for path in contents}
    path = Path()
    try:
        for path, data in contents.items():
            temporaries[path].write_bytes(data)
        _sync_files(temporaries.values())
        # No file gets its name before its content is on disk.
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
    """Create `path` and its parents and return it; OutputError where that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_created(path, error) from error
    return path


def demand_writable(folder: Path) -> Path:
    """Create `folder` and return it; OutputError where no file can be created in it.

    Asked before long work, whose result would otherwise be lost.
    """
    probe = _temporary(make_folder(folder) / "probe")
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise not_writable(folder, error) from error
    return folder


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise OutputError where `path` exists and --overwrite was not given."""
    if path.exists() and not overwrite:
        raise OutputError(
            f"{path} exists already",
            "a new file",
            "name another --out, or give --overwrite to replace it",
        )


def claim_folder(parent: Path, prefix: str) -> Path:
    """Create the next free folder of parent/<prefix>-001, -002, ... and return it.

    No two processes get the same folder, however many call this at a time: the folder is created
    in the same step in which it is found to be free. Numbers go on after the highest one there.
    Raises OutputError where it cannot be created.
    """
    make_folder(parent)
    pattern = re.compile(rf"{re.escape(prefix)}-(\d+)")
    taken = [int(found[1]) for each in parent.iterdir() if (found := pattern.fullmatch(each.name))]
    number = max(taken, default=0) + 1
    while True:
        folder = parent / f"{prefix}-{number:03d}"
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            number += 1  # Another process was faster.
        except OSError as error:
            raise _not_created(folder, error) from error


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Keep other processes that call this from writing `folder` while the block runs.

    The hold ends with its process, however that ends. Raises OutputError where another process
    holds the folder.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no such lock.
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                f"{folder} is being written by another process",
                "a folder for this process alone",
                "wait for the other to end, or choose another --out",
            ) from error
        except OSError:
            pass  # A file system without locks.
        yield
    finally:
        os.close(descriptor)


def sweep_temporaries(folder: Path, stale_seconds: float = STALE_SECONDS) -> int:
    """Delete the temporary files of dead processes anywhere below `folder`; return how many.

    A file of a process that still runs stays. Whether a process of another machine runs is not
    known; its files are deleted when nothing was written to them for `stale_seconds`.
    """
    stale = [
        path
        for path in folder.rglob(f".*{TEMPORARY_SUFFIX}*")
        if not _is_in_use(path, stale_seconds)
    ]
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)


def find_shipped(name: str) -> Path | None:
    """Return a file or folder that comes with fer_det, such as configs/small_cpu.yaml, if there.

    In an installed package it is below fer_det/shipped/, in a checkout below its root.
    """
    package = Path(__file__).parents[1]
    shipped = package / "shipped"
    path = (shipped if shipped.is_dir() else package.parent) / name
    return path if path.exists() else None


def find_shipped_weights(path: Path) -> Path | None:
    """Return the file that comes with fer_det for weights/NAME, or None for any other path."""
    shipped = find_shipped(path.as_posix()) if path.parts[:1] == ("weights",) else None
    return shipped if shipped is not None and shipped.is_file() else None


@contextmanager
def _replacing(path: Path, suffix: str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; its file replaces `path` when the block ends well."""
    temporary = _temporary(path, suffix)
    try:
        if path.exists() and not path.is_file():
            # A plain file would replace a device such as /dev/null.
            raise not_writable(path, "it is not a plain file")
        yield temporary
        # Opened for writing: Windows syncs no other.
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


def _temporary(path: Path, suffix: str = "") -> Path:
    """Return a new temporary path beside `path`, short whatever the name of `path`."""
    pid = os.getpid()
    mark = f"{_machine()}-{pid}-{_start_of(pid) or 0}-{next(_numbers)}"
    return path.with_name(f".{mark}{TEMPORARY_SUFFIX}{suffix}")


def _is_in_use(path: Path, stale_seconds: float) -> bool:
    """Return whether a running process may be writing a temporary file."""
    found = _TEMPORARY_NAME.fullmatch(path.name)
    if found is None:
        return False  # Of an earlier version of fer_det.
    machine, pid, start = found[1], int(found[2]), int(found[3])
    if machine != _machine():
        with suppress(OSError):
            return time.time() - path.stat().st_mtime < stale_seconds
        return False
    if started := _start_of(pid):
        return started == start
    return start == 0 and _runs(pid)


@cache
def _machine() -> str:
    """Return a mark of this machine since it was started; containers have their own."""
    boot = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    return f"{zlib.crc32(f'{platform.node()} {boot}'.encode()):08x}"


def _start_of(pid: int) -> int | None:
    """Return when a running process was started, in the system's ticks; None where unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name in brackets may hold anything; the state and the start are fields after it. A
    # killed process stays there as a zombie (Z, X) until its parent asks for its exit code.
    fields = stat.rpartition(b")")[2].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def _runs(pid: int) -> bool:
    """Return whether a process runs, on systems without /proc."""
    if platform.system() in ("Linux", "Windows"):
        return False  # Linux has /proc, and on Windows a signal 0 would end the process.
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _not_created(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{folder} could not be created ({error.strerror or error})",
        "a folder that can be written",
        "choose another place",
    )


def _delete_if_possible(path: Path) -> None:
    # A read-only disk, or a file in place of the folder, refuses this as well; the error to report
    # is then the one of the writing.
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _sync_files(paths: Collection[Path]) -> None:
    """Wait until the contents of the files are on disk."""
    sync_disk = _find_syncfs()
    if sync_disk is None:
        for path in paths:
            # Opened for writing: Windows syncs no other.
            with path.open("r+b") as file:
                os.fsync(file.fileno())
        return
    # Each fsync makes the disk flush its cache; one syncfs for all files does so once.
    for folder in {path.parent.stat().st_dev: path.parent for path in paths}.values():
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            sync_disk(descriptor)
        finally:
            os.close(descriptor)


@cache
def _find_syncfs() -> Callable[[int], None] | None:
    """Return Linux's syncfs where it reports errors, which it does from 5.8 on; None elsewhere."""
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
    """Make the new names themselves survive a power cut, where the platform can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
