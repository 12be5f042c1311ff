"""A file in which long work notes what it has done, so that it goes on after a kill."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from fer_det.errors import DatasetFormatError
from fer_det.io.files import hold_folder, not_writable, write_text


class Journal:
    """A header that says what the work is, then a line of JSON for each part that is done.

    A line that a kill cut off counts as absent: its part is done again.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def append(self, part: Any) -> None:
        """Note a part as done; it is on disk when this returns. OutputError where it cannot be."""
        try:
            self._file.write(f"{json.dumps(part)}\n".encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise not_writable(Path(self._file.name), error) from error


@contextmanager
def open_journal(
    path: Path, header: Mapping[str, Any], keep: int | None = None
) -> Iterator[Journal]:
    """Open the journal to append, or begin it; OutputError where another process holds its folder.

    keep: number of its parts to keep, by default all.
    """
    if not path.exists():
        write_text(path, json.dumps(header) + "\n")
    try:
        file = path.open("r+b")
    except OSError as error:
        raise not_writable(path, error) from error
    with file, hold_folder(path.parent):
        lines = file if keep is None else islice(file, keep + 1)
        whole = sum(len(line) for line in lines if line.endswith(b"\n"))
        file.truncate(whole)
        file.seek(whole)
        yield Journal(file)


def read_header(path: Path, remedy: str) -> dict[str, Any]:
    """What the journal says of the work.

    remedy: what to do where it is damaged, which DatasetFormatError then says: the header was
    written whole, so that no kill has done that.
    """
    with path.open("rb") as file:
        try:
            return dict(json.loads(file.readline()))
        except (ValueError, TypeError, RecursionError) as error:
            raise DatasetFormatError(
                f"{path} is damaged", "the journal of a run", remedy
            ) from error


def read_parts(path: Path) -> Iterator[Any]:
    """The parts that are done, in their order, read one by one; None for an unreadable line."""
    with path.open("rb") as file:
        next(file, None)
        for line in file:
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                yield None


def describe_differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """The values of `ours` that differ in `theirs`, as 'boxes "mtcnn", seed 0'."""
    differing = [name for name in ours if ours[name] != theirs.get(name)]
    return ", ".join(f"{name} {json.dumps(ours[name])}" for name in differing) or "none of them"
