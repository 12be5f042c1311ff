"""Batches for training and for scoring, prepared by worker processes."""

from __future__ import annotations

import signal
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fer_det.data.pictures import Draw, Entry, PictureDataset
from fer_det.errors import FerDetError, WorkerError

Batch = tuple[Tensor, list[dict[str, Tensor]]]

MOST_DEATHS = 3
"""How often in a row workers may die before they have yielded a batch."""


def make_loader(
    dataset: PictureDataset, batches: Iterable[list[Draw]], workers: int, pin_memory: bool
) -> Iterator[Batch]:
    """Yield (pictures [B, 3, S, S] uint8, B targets) for each list of draws in `batches`.

    Where a worker process dies, new ones go on with the first batch that was not yielded yet:
    nothing is lost, and nothing comes twice. Raises what the dataset raises of a user's mistakes,
    whichever process found them, and WorkerError where workers die again and again.
    """
    source = iter(batches)
    handed_out: deque[list[Draw]] = deque()
    deaths = 0
    while True:
        again = list(handed_out)
        handed_out.clear()
        noted = _noting(chain(again, source), handed_out)
        try:
            for batch in _prepared(dataset, noted, workers, pin_memory):
                if isinstance(batch, FerDetError):
                    raise batch
                handed_out.popleft()
                deaths = 0
                yield batch
            return
        except _WorkersDiedError as died:
            deaths += 1
            if deaths == MOST_DEATHS:
                raise WorkerError(
                    f"loader processes died {deaths} times in a row ({died})",
                    "processes that live to prepare their pictures",
                    "type the same command again, with fewer --workers if memory ran out",
                ) from died
            print(f"warning: {died}; others do its work again", file=sys.stderr, flush=True)


def in_order(count: int, batch_size: int) -> Iterator[list[Draw]]:
    """Every picture once, in the split's own order."""
    for start in range(0, count, batch_size):
        yield [Draw(index, 0) for index in range(start, min(start + batch_size, count))]


class _WorkersDiedError(Exception):
    """What torch says of workers that ended before their work did."""


def _noting(batches: Iterable[list[Draw]], noted: deque[list[Draw]]) -> Iterator[list[Draw]]:
    for draws in batches:
        noted.append(draws)
        yield draws


def _prepared(
    dataset: PictureDataset, batches: Iterable[list[Draw]], workers: int, pin_memory: bool
) -> Iterator[Batch | FerDetError]:
    """The batches in order; raises _WorkersDiedError."""
    loader: DataLoader[Batch | FerDetError] = DataLoader(
        _Carrying(dataset),  # type: ignore[arg-type]  # the collation makes batches of its entries
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=_collate,
        pin_memory=pin_memory,
        worker_init_fn=_calm_worker,
    )
    prepared: Iterator[Batch | FerDetError] | None = None
    while True:
        try:
            prepared = _begin(loader) if prepared is None else prepared
            batch = next(prepared)
        except StopIteration:
            return
        except RuntimeError as error:
            if not str(error).startswith("DataLoader worker"):
                raise
            raise _WorkersDiedError(" ".join(str(error).split(". ")[0].split())) from error
        except (ConnectionError, EOFError, FileNotFoundError) as error:
            # A batch is fetched from its worker's memory, which is gone with the worker.
            raise _WorkersDiedError("DataLoader worker died with a batch in hand") from error
        yield batch


def _begin(loader: DataLoader[Batch | FerDetError]) -> Iterator[Batch | FerDetError]:
    """Start the workers, without the handler that torch sets for their end.

    It raises wherever the main thread happens to be, so in the middle of a step too, which could
    then neither be finished nor be repeated. Torch also looks while it waits for a batch.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGCHLD"):
        return iter(loader)
    before = signal.getsignal(signal.SIGCHLD)
    try:
        return iter(loader)
    finally:
        signal.signal(signal.SIGCHLD, before)


class _Carrying(Dataset[Entry | FerDetError]):
    """A dataset that returns a user's mistake instead of raising it.

    DataLoader turns what a worker raises into a RuntimeError that holds the worker's traceback.
    """

    def __init__(self, dataset: PictureDataset) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, draw: Draw) -> Entry | FerDetError:
        try:
            return self._dataset[draw]
        except FerDetError as error:
            return error


def _collate(entries: list[Entry | FerDetError]) -> Batch | FerDetError:
    whole: list[Entry] = []
    for entry in entries:
        if isinstance(entry, FerDetError):
            return entry
        whole.append(entry)
    pictures, targets = zip(*whole, strict=True)
    return torch.stack(pictures), list(targets)


def _calm_worker(_: int) -> None:
    """One thread a worker: the cores belong to the network."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
