"""Batches for training and for scoring, prepared by worker processes."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fer_det.data.sampler import Draw
from fer_det.errors import FerDetError, WorkerError

Entry = tuple[NDArray[np.uint8], dict[str, NDArray[Any]]]
"""A picture [3, S, S] and its target."""
Batch = tuple[Tensor, list[dict[str, Tensor]]]
"""Pictures [B, 3, S, S] uint8 and B targets."""

PREFETCH = 2
"""Batches that each worker prepares ahead."""
TIMEOUT = 300.0
"""Seconds without a batch after which the workers count as lost."""
SHARED_MEMORY = Path("/dev/shm")

_ALIGNMENT = 8


class LabelledPicture(Protocol):
    """A picture before it is decoded."""

    @property
    def path(self) -> Path:
        """The picture's file."""

    @property
    def label(self) -> int:
        """Its expression, 1..C; 0 for none."""


class PictureDataset(Protocol):
    """A split whose pictures are decoded when they are asked for."""

    @property
    def pictures(self) -> Sequence[LabelledPicture]:
        """All pictures of the split, in its own order."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """[N], the label of each picture."""

    @property
    def size(self) -> int:
        """S, the side of the pictures that it returns, in pixels."""

    def __len__(self) -> int: ...

    def __getitem__(self, draw: Draw) -> Entry:
        """Return the picture and its target, which holds index [] and seed [] int64."""


def make_loader(
    dataset: PictureDataset,
    batches: Iterable[list[Draw]],
    workers: int,
    pin_memory: bool,
    timeout: float = TIMEOUT,
) -> Iterator[Batch]:
    """Yield (pictures [B, 3, S, S] uint8, B targets) for each list of draws in `batches`.

    Raises the FerDetError that the dataset raised, in whichever process, and WorkerError where a
    worker process died or gave no batch for `timeout` seconds, or where the batches that are
    prepared ahead have no room in shared memory.
    """
    if workers:
        batches = _demand_shared_memory(batches, dataset.size, workers)
    loader: DataLoader[_Packed | FerDetError | _Failure] = DataLoader(
        _Carrying(dataset),  # type: ignore[arg-type]  # the collation makes batches of its entries
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=_collate,
        worker_init_fn=_prepare_worker,
        timeout=timeout if workers else 0,
        prefetch_factor=PREFETCH if workers else None,
    )
    with _loader_failures(workers):
        prepared = _start(loader)
    while True:
        with _loader_failures(workers):
            batch = next(prepared, None)
        if batch is None:
            return
        if isinstance(batch, FerDetError):
            raise batch
        if isinstance(batch, _Failure):
            raise RuntimeError(f"the data set failed in a worker process:\n{batch.text}")
        yield batch.unpack(pin_memory)


def in_order(count: int, batch_size: int) -> Iterator[list[Draw]]:
    """Yield every picture once, in the split's own order."""
    for start in range(0, count, batch_size):
        yield [Draw(index, 0) for index in range(start, min(start + batch_size, count))]


@dataclass(frozen=True)
class _Packed:
    """A batch as two tensors, since each tensor that changes process costs a file descriptor."""

    pictures: Tensor
    """[B, 3, S, S] uint8."""
    values: Tensor
    """[bytes] uint8: all arrays of all targets, one after the other."""
    layout: tuple[tuple[tuple[str, str, tuple[int, ...]], ...], ...]
    """For each picture (name, dtype, shape) of each array."""

    @classmethod
    def pack(cls, entries: Sequence[Entry]) -> _Packed:
        chunks: list[NDArray[np.uint8]] = []
        layout = []
        for _, target in entries:
            rows = []
            for name, array in target.items():
                plain = np.ascontiguousarray(array).reshape(array.shape)
                rows.append((name, plain.dtype.str, plain.shape))
                data = np.frombuffer(plain.tobytes(), np.uint8)
                chunks.append(np.pad(data, (0, -len(data) % _ALIGNMENT)))
            layout.append(tuple(rows))
        pictures = torch.from_numpy(np.stack([picture for picture, _ in entries]))
        return cls(pictures, torch.from_numpy(np.concatenate(chunks)), tuple(layout))

    def unpack(self, pin_memory: bool) -> Batch:
        values, start = self.values.numpy(), 0
        targets = []
        for rows in self.layout:
            target = {}
            for name, dtype, shape in rows:
                count = int(np.prod(shape, dtype=np.int64))
                array = np.frombuffer(values.data, np.dtype(dtype), count, start)
                # A copy, because the shared memory ends with the batch.
                target[name] = torch.from_numpy(array.reshape(shape).copy())
                start += array.nbytes + -array.nbytes % _ALIGNMENT
            targets.append(target)
        return self.pictures.pin_memory() if pin_memory else self.pictures, targets


@dataclass(frozen=True)
class _Failure:
    """A programming error in a worker process."""

    text: str


class _Carrying(Dataset[Entry | FerDetError | _Failure]):
    """A dataset that returns what goes wrong instead of raising it.

    DataLoader would turn it into a RuntimeError, which could not be told from its own errors.
    """

    def __init__(self, dataset: PictureDataset) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, draw: Draw) -> Entry | FerDetError | _Failure:
        try:
            return self._dataset[draw]
        except FerDetError as error:
            return error
        except Exception:
            return _Failure(traceback.format_exc())


def _collate(entries: list[Entry | FerDetError | _Failure]) -> _Packed | FerDetError | _Failure:
    whole: list[Entry] = []
    for entry in entries:
        if not isinstance(entry, tuple):
            return entry
        whole.append(entry)
    return _Packed.pack(whole)


def _start(loader: DataLoader[Any]) -> Iterator[Any]:
    """Start the workers, without torch's signal handler for their death.

    The handler raises wherever the main thread happens to be, in the middle of a training step too.
    DataLoader also looks for dead workers while it waits for a batch, and raises there.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGCHLD"):
        return iter(loader)
    before = signal.getsignal(signal.SIGCHLD)
    try:
        return iter(loader)
    finally:
        signal.signal(signal.SIGCHLD, before)


@contextmanager
def _loader_failures(workers: int) -> Iterator[None]:
    """Turn what DataLoader raises of its worker processes into one line.

    The dataset's own errors never pass here: `_Carrying` hands them over as values.
    """
    try:
        yield
    except (RuntimeError, OSError, EOFError) as error:
        if not workers:
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WorkerError(
            f"a loader process died or gave no batch ({reason[:160]})",
            "worker processes that prepare their pictures",
            "type the same command again to continue, with fewer --workers (0 needs no shared "
            "memory) if memory, shared memory or open files ran out",
        ) from error


def _demand_shared_memory(
    batches: Iterable[list[Draw]], size: int, workers: int
) -> Iterator[list[Draw]]:
    """Return the same batches; raise WorkerError where those ahead have no room in shared memory.

    A worker that finds it full loses its batch, and DataLoader would wait for it in vain.
    """
    source = iter(batches)
    first = next(source, None)
    if first is None:
        return iter(())
    if sys.platform.startswith("linux") and SHARED_MEMORY.is_dir():
        needed = len(first) * 3 * size**2 * PREFETCH * workers
        free = shutil.disk_usage(SHARED_MEMORY).free
        if free < needed:
            raise WorkerError(
                f"{free / 1e6:.1f} MB of shared memory left in {SHARED_MEMORY}",
                f"{needed / 1e6:.1f} MB for the batches of {workers} worker processes",
                "use --workers 0, a smaller --batch_size, or enlarge it (docker run --shm-size 1g)",
            )
    return chain([first], source)


def _prepare_worker(_: int) -> None:
    """Use one thread in each worker: the other cores belong to the network."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
