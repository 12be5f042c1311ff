"""Places that cannot be written: a file size limit, a full disk, a folder without permission."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

NOBODY = 65534

Spoil = Callable[[], AbstractContextManager[None]]


@contextmanager
def file_size_limit(most: int = 600) -> Iterator[None]:
    """No file of this process grows beyond so many bytes; the system says "File too large"."""
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="fer_det-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """No file can be created in `folder` or replaced below it.

    Root may write everywhere, so it becomes nobody for a while.
    """
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for each in folders:
        each.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
        for each in folders:
            each.chmod(0o755)


@contextmanager
def small_disk(kilobytes: int) -> Iterator[Path]:
    """A file system of that size; skips the test where none may be mounted."""
    with tempfile.TemporaryDirectory(prefix="fer_det-") as name:
        size = f"size={kilobytes}k"
        argv = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", name]
        try:
            mounted = subprocess.run(argv, capture_output=True, check=False).returncode == 0
        except OSError:
            mounted = False
        if not mounted:
            pytest.skip("no file system may be mounted here")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=True)
