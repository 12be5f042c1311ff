"""Sums and lists over all processes of a run, which gradients flow through."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, distributed


def process_count() -> int:
    """How many processes share the run."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def sum_over_processes(values: Tensor) -> Tensor:
    """The sum of all processes' values, which must have the same shape; on every process.

    Its gradient is the sum of theirs as well.
    """
    return cast(Tensor, _SumOverProcesses.apply(values)) if process_count() > 1 else values


def rows_of_all_processes(rows: Tensor) -> Tensor:
    """[N_r, ...] on the r-th process -> [sum(N_r), ...] on each, in the order of their ranks."""
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
    """An all-reduce in both directions."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ARG004  (torch's signature)
        return _all_reduced(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        return _all_reduced(gradient)


def _all_reduced(values: Tensor) -> Tensor:
    summed = values.clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(summed)
    return summed
