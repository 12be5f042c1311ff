"""The record of a run: log.jsonl for programs, TensorBoard for eyes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from fer_det.io.files import not_writable, write_text

LOG_NAME = "log.jsonl"


class RunLog:
    """Appends records; those later than the checkpoint that a run goes on from are forgotten."""

    def __init__(self, folder: Path, epoch: int, step: int) -> None:
        """epoch: the one that comes next or is under way; step: how many are done in all."""
        self._folder = folder
        self._path = folder / LOG_NAME
        kept = [record for record in read_log(folder) if _is_past(record, epoch, step)]
        write_text(self._path, "".join(json.dumps(record) + "\n" for record in kept))
        with self._curves():
            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Append one record; the numbers among its values become curves.

        Raises OutputError where the disk is full or gone.
        """
        record = {"kind": kind, "step": step, **values}
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise not_writable(self._path, error) from error
        with self._curves():
            for name, value in values.items():
                if isinstance(value, float):
                    self._board.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Write out what is still in memory; OutputError where the disk is full or gone."""
        with self._curves():
            self._board.close()

    @contextmanager
    def _curves(self) -> Iterator[None]:
        # TensorBoard writes in a thread of its own, and tells at its next call what happened there.
        try:
            yield
        except OSError as error:
            raise not_writable(self._folder / "tensorboard", error) from error


def _is_past(record: Mapping[str, Any], epoch: int, step: int) -> bool:
    # An epoch's own record has the number of its last step, which may be done while it is not.
    return bool(record["step"] <= step and (record["kind"] != "epoch" or record["epoch"] < epoch))


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The records of a run in order; a last line torn by a kill is left out."""
    path = folder / LOG_NAME
    if not path.is_file():
        return []
    records = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            records.append(dict(json.loads(line)))
        except (ValueError, TypeError, RecursionError):
            break
    return records
