"""A run folder: its lock and its log; and the search for a model file in the runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fer_det.errors import OutputError, WeightsNotFoundError
from fer_det.io.files import find_shipped_weights, not_writable, write_text
from fer_det.weights.recognise import not_a_file

RUNS = Path("runs")
LOG_NAME = "log.jsonl"

_LOCK_NAME = ".lock"


def newest_run_folder(kind: str, file_name: str) -> Path | None:
    """Return the runs/<kind>-... whose file of that name was written last, None without any."""
    found = [path for path in RUNS.glob(f"{kind}-*/{file_name}") if path.is_file()]
    return max(found, key=lambda path: path.stat().st_mtime_ns).parent if found else None


def find_weights(name: Path) -> Path:
    """Return the file itself, or for a bare name that is not here the one in the newest run.

    Raises WeightsNotFoundError.
    """
    return find_all_weights(name)[0]


def find_all_weights(name: Path) -> list[Path]:
    """Return the file itself, or for a bare name that is not here those of all runs, newest first.

    Files that come with fer_det, such as weights/expression_small.safetensors, are found from any
    folder. Raises WeightsNotFoundError where there is none.
    """
    if name.is_file():
        return [name]
    shipped = find_shipped_weights(name)
    if shipped is not None:
        return [shipped]
    if name.parent == Path() and not name.exists():
        # Compared and not globbed, since a name may hold a pattern's characters.
        found = [path for path in RUNS.rglob("*") if path.name == name.name and path.is_file()]
        if found:
            return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)
        raise WeightsNotFoundError(
            f"{name} is absent, also below {RUNS}/",
            "a model file",
            "train one, or name the file with its folder",
        )
    raise not_a_file(name)


@contextmanager
def hold_run(folder: Path) -> Iterator[None]:
    """Keep other processes from training in `folder` while the block runs.

    The lock ends with its process, however that ends. Raises OutputError where another process
    holds it.
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
            # lockf and not flock, because loader processes do not inherit it: they outlive a
            # killed training by some seconds.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OutputError(
                f"{folder} is used for training by another process",
                "a folder for this run alone",
                "wait for the other process to end, or choose another --out",
            ) from error
        yield


def is_held(folder: Path) -> bool:
    """Return whether another process holds `folder`."""
    try:
        with hold_run(folder):
            return False
    except OutputError:
        return True


class RunLog:
    """Appends records to log.jsonl for programs and to TensorBoard files for people.

    Records that are later than the checkpoint which a run is resumed from are removed first.
    """

    def __init__(self, folder: Path, epoch: int, step: int) -> None:
        """epoch: the current one; step: how many are finished in the run."""
        from torch.utils.tensorboard import SummaryWriter

        self._folder = folder
        self._path = folder / LOG_NAME
        kept = [record for record in read_log(folder) if _is_past(record, epoch, step)]
        write_text(self._path, "".join(json.dumps(record) + "\n" for record in kept))
        with self._board_errors():
            self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Append one record; its floats become curves in TensorBoard.

        Raises OutputError where the disk is full or gone.
        """
        record = {"kind": kind, "step": step, **values}
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise not_writable(self._path, error) from error
        with self._board_errors():
            for name, value in values.items():
                if isinstance(value, float):
                    self._board.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Write what is still in memory; OutputError where the disk is full or gone."""
        with self._board_errors():
            self._board.close()

    @contextmanager
    def _board_errors(self) -> Iterator[None]:
        # TensorBoard writes in its own thread and raises that thread's error at the next call.
        try:
            yield
        except OSError as error:
            raise not_writable(self._folder / "tensorboard", error) from error


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the records of a run in order; a last line cut off by a kill is left out."""
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


def _is_past(record: Mapping[str, Any], epoch: int, step: int) -> bool:
    # An epoch's own record has the number of its last step, which may be finished before it is.
    return bool(record["step"] <= step and (record["kind"] != "epoch" or record["epoch"] < epoch))
