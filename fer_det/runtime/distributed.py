"""Several processes that train one model: which one this is, and what they exchange.

torchrun, or fer_det's own launcher, starts the processes and describes them in environment
variables. nccl connects processes on NVIDIA GPUs, gloo the others.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar, cast

import torch
from torch import Tensor, distributed

from fer_det.errors import ConfigError, FerDetError
from fer_det.runtime.command import EXIT_USER_MISTAKE

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """How many processes share the run, and which of them this one is."""

    rank: int = 0
    local_rank: int = 0
    """The rank among the processes of this machine."""
    world: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes files and prints."""
        return self.rank == 0

    def from_first(self, value: T) -> T:
        """Return the first process's value, on every process."""
        return self.gather([value])[0]

    def gather(self, entries: list[T]) -> list[T]:
        """Return the entries of all processes in the order of their ranks, on every process."""
        if self.world == 1:
            return entries
        lists: list[list[T]] = [[] for _ in range(self.world)]
        distributed.all_gather_object(lists, entries)
        return [entry for of_rank in lists for entry in of_rank]

    def together(self, make: Callable[[], T]) -> T:
        """Return make(), or raise in every process the FerDetError that it raised in any.

        Without this the others would wait for the process that failed. Raises it as `fail` does.
        """
        try:
            value, error = make(), None
        except FerDetError as raised:
            if self.world == 1:
                raise
            error = raised
        failed = [each for each in self.gather([error]) if each is not None]
        if failed:
            self.fail(failed[0])
        return value

    def fail(self, error: FerDetError) -> NoReturn:
        """Raise an error that every process raises, so that each machine prints it once."""
        if self.local_rank:
            sys.exit(EXIT_USER_MISTAKE)
        raise error


def processes_from_environment() -> Processes:
    """Return what torchrun's variables describe; one process where they are not set.

    Raises ConfigError where only some of them are set.
    """
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE")
    # Batch systems set WORLD_SIZE for purposes of their own, so RANK decides.
    if "RANK" not in os.environ:
        return Processes()
    try:
        rank, local_rank, world = (int(os.environ[name]) for name in names)
    except (KeyError, ValueError) as error:
        raise ConfigError(
            "RANK is set without LOCAL_RANK and WORLD_SIZE",
            "all three, as torchrun sets them",
            "start with torchrun, or unset RANK",
        ) from error
    return Processes(rank, local_rank, world)


@contextmanager
def process_group(processes: Processes, device: torch.device) -> Iterator[None]:
    """Connect this process with the others while the block runs.

    Raises ConfigError for several processes on Apple's GPU, which nothing connects.
    """
    if processes.world == 1:
        yield
        return
    if device.type == "mps":
        raise ConfigError(
            f"{processes.world} processes on Apple's GPU (mps)",
            "one process there",
            "leave --processes out, or give --device cpu",
        )
    if device.type == "cuda":
        # gather() sends its entries through the current GPU, which is otherwise the first.
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def process_count() -> int:
    """Return how many processes share the run."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def sum_over_processes(values: Tensor) -> Tensor:
    """Return the sum of all processes' values, which have the same shape, on every process.

    Its gradient is the sum of the processes' gradients.
    """
    return cast(Tensor, _SumOverProcesses.apply(values)) if process_count() > 1 else values


def rows_of_all_processes(rows: Tensor) -> Tensor:
    """Return the rows of all processes: [N_r, ...] on rank r -> [sum(N_r), ...] on each.

    The rows are in the order of the ranks, and gradients flow back to the process of each row.
    """
    if process_count() == 1:
        return rows
    own = distributed.get_rank()
    counts = torch.zeros(process_count(), dtype=torch.int64, device=rows.device)
    counts[own] = len(rows)
    lengths: list[int] = sum_over_processes(counts).tolist()
    padded = [
        rows if rank == own else rows.new_zeros(length, *rows.shape[1:])
        for rank, length in enumerate(lengths)
    ]
    return sum_over_processes(torch.cat(padded))


class _SumOverProcesses(torch.autograd.Function):
    """All-reduce of the values forward and of the gradients backward."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ARG004  (torch's signature)
        return _all_reduce(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        return _all_reduce(gradient)


def _all_reduce(values: Tensor) -> Tensor:
    summed = values.clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(summed)
    return summed
