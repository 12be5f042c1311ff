"""Batches for training and for scoring, prepared by worker processes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from fer_det.data.voc_dataset import Draw, VocDataset

Batch = tuple[Tensor, list[dict[str, Tensor]]]


def make_loader(
    dataset: VocDataset, batches: Iterable[list[Draw]], workers: int, pin_memory: bool
) -> DataLoader[Batch]:
    """Yield (pictures [B, 3, S, S] uint8, B targets) for each list of draws in `batches`."""
    return DataLoader(
        dataset,  # type: ignore[arg-type]  # the collation makes batches of its entries
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=_collate,
        pin_memory=pin_memory,
        worker_init_fn=_calm_worker,
    )


def in_order(count: int, batch_size: int) -> Iterator[list[Draw]]:
    """Every picture once, in the split's own order."""
    for start in range(0, count, batch_size):
        yield [Draw(index, 0) for index in range(start, min(start + batch_size, count))]


def _collate(entries: list[tuple[Tensor, dict[str, Tensor]]]) -> Batch:
    pictures, targets = zip(*entries, strict=True)
    return torch.stack(pictures), list(targets)


def _calm_worker(_: int) -> None:
    """One thread a worker: the cores belong to the network."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
