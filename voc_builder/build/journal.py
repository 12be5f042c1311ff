"""What a build has done so far, kept so that a killed one goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from fer_det.errors import DatasetFormatError, OutputError
from fer_det.io.files import not_writable, write_text
from voc_builder.build.manifest import Record

JOURNAL_NAME = ".build_journal.jsonl"


class Journal:
    """A file in the output: a header with the build's settings, then a line a batch.

    A batch's line is written after its pictures are, so that whatever the journal names is there. A
    line that a kill cut off is as good as absent: its batch is done again.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def append(self, records: Sequence[Record]) -> None:
        """Note a batch as done; it is on disk when this returns. OutputError where it cannot be."""
        line = json.dumps([record.to_json() for record in records])
        try:
            self._file.write(f"{line}\n".encode())
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise not_writable(Path(self._file.name), error) from error


@contextmanager
def open_journal(path: Path, header: Mapping[str, Any]) -> Iterator[Journal]:
    """Open the journal to go on, or begin it; OutputError where another build has it open."""
    if not path.exists():
        write_text(path, json.dumps(header) + "\n")
    try:
        file = path.open("r+b")
    except OSError as error:
        raise not_writable(path, error) from error
    with file:
        _lock(file, path)
        whole = file.read().rfind(b"\n") + 1
        file.truncate(whole)
        file.seek(whole)
        yield Journal(file)


def read_journal(path: Path) -> tuple[dict[str, Any], list[Record]]:
    """(header, records of all whole lines) of a journal that is there.

    Raises DatasetFormatError where the header, which was written whole, is not one.
    """
    first, *lines = path.read_bytes().split(b"\n")
    try:
        header = dict(json.loads(first))
    except (ValueError, TypeError, RecursionError) as error:
        raise DatasetFormatError(
            f"{path} is damaged", "the journal of a build", "build the folder anew with --overwrite"
        ) from error
    return header, [record for line in lines for record in _read_batch(line)]


def _read_batch(line: bytes) -> list[Record]:
    try:
        return [Record.from_json(values) for values in json.loads(line)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []


def _lock(file: BinaryIO, path: Path) -> None:
    """Hold the file while this process lives; two builds would undo each other's work."""
    try:
        import fcntl
    except ImportError:  # Windows has no such lock.
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise OutputError(
            f"{path.parent} is being written by another build",
            "a place for this build alone",
            "wait for the other to end, or choose another --out",
        ) from error
