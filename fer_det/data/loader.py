"""Batches for training and for scoring, prepared by worker processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fer_det.data.pictures import Draw, Entry, PictureDataset
from fer_det.errors import FerDetError

Batch = tuple[Tensor, list[dict[str, Tensor]]]


def make_loader(
    dataset: PictureDataset, batches: Iterable[list[Draw]], workers: int, pin_memory: bool
) -> Iterator[Batch]:
    """Yield (pictures [B, 3, S, S] uint8, B targets) for each list of draws in `batches`.

    Raises what the dataset raises of a user's mistakes, whichever process found them.
    """
    loader: DataLoader[Batch | FerDetError] = DataLoader(
        _Carrying(dataset),  # type: ignore[arg-type]  # the collation makes batches of its entries
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=_collate,
        pin_memory=pin_memory,
        worker_init_fn=_calm_worker,
    )
    for batch in loader:
        if isinstance(batch, FerDetError):
            raise batch
        yield batch


def in_order(count: int, batch_size: int) -> Iterator[list[Draw]]:
    """Every picture once, in the split's own order."""
    for start in range(0, count, batch_size):
        yield [Draw(index, 0) for index in range(start, min(start + batch_size, count))]


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
