"""Several processes on one run, as torchrun's environment variables describe them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed

from fer_det.errors import ConfigError

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """How many processes share the run, and which of them this is."""

    rank: int = 0
    local_rank: int = 0
    world: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this one writes files and speaks."""
        return self.rank == 0

    def from_first(self, value: T) -> T:
        """The first process's value, on every process."""
        return self.gather([value])[0]

    def gather(self, entries: list[T]) -> list[T]:
        """All processes' entries, in the order of their ranks, on every process."""
        if self.world == 1:
            return entries
        lists: list[list[T]] = [[] for _ in range(self.world)]
        distributed.all_gather_object(lists, entries)
        return [entry for of_rank in lists for entry in of_rank]


def processes_from_environment() -> Processes:
    """What torchrun set, or one process where it was not used."""
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE")
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
    """Join the other processes (nccl on GPUs, gloo elsewhere) for the length of the block."""
    if processes.world == 1:
        yield
        return
    if device.type == "cuda":
        # What is gathered travels over the current GPU, which is the first unless we say so.
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()
