"""Which pictures each process sees in which step: a pure function of (seed, epoch, step, rank)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from fer_det.data.pictures import Draw
from fer_det.data.repeat_factor import epoch_indices, repeat_factors


class EpochSampler:
    """Batches of one epoch for one process, rare classes repeated by their repeat factor.

    The global batch of a step is the same for any number of processes; each takes its slice. The
    last batch is filled up from the epoch's beginning, so that all are equally large.
    """

    def __init__(
        self,
        labels: Sequence[int],
        batch_size: int,
        balance: float,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        assert batch_size % world == 0, "the processes must share the global batch evenly"
        self._factors = repeat_factors(labels, balance)
        self._batch_size = batch_size
        self._seed = seed
        self._rank = rank
        self._share = batch_size // world
        self.epoch = 0
        self.first_step = 0

    def set_position(self, epoch: int, first_step: int = 0) -> None:
        """Go to that step of that epoch."""
        self.epoch, self.first_step = epoch, first_step

    def steps(self, epoch: int) -> int:
        """Steps in that epoch."""
        return -(-len(self._order(epoch)) // self._batch_size)

    def __len__(self) -> int:
        return self.steps(self.epoch) - self.first_step

    def __iter__(self) -> Iterator[list[Draw]]:
        order = self._order(self.epoch)
        for step in range(self.first_step, self.steps(self.epoch)):
            start = step * self._batch_size + self._rank * self._share
            places = range(start, start + self._share)
            yield [
                Draw(int(order[place % len(order)]), draw_seed(self._seed, self.epoch, place))
                for place in places
            ]

    def _order(self, epoch: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return epoch_indices(self._factors, self._seed, epoch)


def draw_seed(seed: int, epoch: int, place: int) -> int:
    """Where the random numbers of one picture's turn start from; 63 bits."""
    digest = hashlib.sha256(f"{seed} {epoch} {place}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
