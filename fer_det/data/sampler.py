"""Which pictures each process sees in which step: a pure function of (seed, epoch, step, rank).

Rare classes are seen more often by repeat factors, as in Gupta, Dollar and Girshick, "LVIS: a
dataset for large vocabulary instance segmentation", CVPR 2019, section 4: each picture of a class
is repeated by a factor, whose fraction is sampled again in every epoch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Draw:
    """One picture's turn in an epoch."""

    index: int
    """Which picture of the split."""
    seed: int
    """The seed of everything random about this turn."""


class EpochSampler:
    """Batches of one epoch for one process, rare classes repeated by their repeat factor.

    The global batch of a step is the same for any number of processes; each takes its slice. The
    last batch is filled up from the epoch's beginning, so that all are equally large.
    """

    def __init__(
        self,
        labels: Sequence[int] | NDArray[np.int64],
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
        """Continue at that step of that epoch."""
        self.epoch, self.first_step = epoch, first_step

    def steps(self, epoch: int) -> int:
        """Return the number of steps in that epoch."""
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
    """Return the seed of one picture's turn: 63 bits of a hash of its arguments."""
    digest = hashlib.sha256(f"{seed} {epoch} {place}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def repeat_factors(labels: Sequence[int] | NDArray[np.int64], power: float) -> NDArray[np.float64]:
    """Return (pictures of the largest class / pictures of the own class) ** power.

    power: 1 shows every class equally often, 0 repeats nothing, 0.5 lies half way between them on
    a logarithmic scale. Pictures of the label 0 have no face and are not repeated. labels [N], one
    a picture, whole numbers -> [N] float64, at least 1.
    """
    if not 0.0 <= power <= 1.0:
        raise ValueError(f"power {power} is not within 0..1")
    if len(labels) == 0:
        return np.zeros(0)
    known, class_of_picture, counts = np.unique(
        np.asarray(labels, dtype=np.int64), return_inverse=True, return_counts=True
    )
    has_face = known != 0
    by_class = np.ones(len(known))
    by_class[has_face] = (counts[has_face].max(initial=0) / counts[has_face]) ** power
    return by_class[class_of_picture]


def epoch_indices(factors: NDArray[np.float64], seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the shuffled picture indices of one epoch, a pure function of its arguments.

    Index i stands floor(factors[i]) times in the list, and once more with the probability of the
    fraction. -> [M] int64, M close to the sum of the factors.
    """
    if not np.all(np.isfinite(factors)) or np.any(factors < 0):
        raise ValueError("repeat factors must be finite and not negative")
    digest = hashlib.sha256(json.dumps(["epoch", seed, epoch]).encode()).digest()
    generator = np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "big")))
    whole = np.floor(factors)
    once_more = generator.random(len(factors)) < factors - whole
    times = whole.astype(np.int64) + once_more
    return generator.permutation(np.repeat(np.arange(len(factors), dtype=np.int64), times))
