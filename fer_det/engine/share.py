"""The part of the validation split that a process scores; together they score all of it once."""

from __future__ import annotations

from collections.abc import Iterator

from fer_det.data.loader import Batch, PictureDataset, in_order, make_loader
from fer_det.runtime.distributed import Processes


def own_batches(
    dataset: PictureDataset, batch_size: int, processes: Processes, workers: int
) -> Iterator[Batch]:
    """Every so many-th batch of the split in its own order, as `make_loader` yields them."""
    batches = list(in_order(len(dataset), batch_size))
    own = batches[processes.rank :: processes.world]
    return make_loader(dataset, own, workers, pin_memory=False)
