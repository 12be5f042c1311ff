"""Work that two processes do together with gloo, each on its half of a batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, distributed, multiprocessing, nn

from fer_det.models.layers import GlobalBatchNorm2d
from fer_det.runtime.distributed import rows_of_all_processes

WORLD = 2


def normalise_together(folder: Path, pictures: Tensor, weights: Tensor) -> list[dict[str, Tensor]]:
    """Results of `normalise` in two processes, each on its half of `pictures` and `weights`."""
    return _together(_normalise_half, folder, pictures, weights)


def lose_together(
    folder: Path, loss: nn.Module, features: Tensor, labels: Tensor
) -> list[dict[str, Tensor]]:
    """Value and gradient of a loss in two processes, each on its half of the faces."""
    return _together(_lose_share, folder, loss, features, labels)


def join_together(folder: Path, rows: Tensor) -> list[dict[str, Tensor]]:
    """The joined rows in two processes, of which the first has one row."""
    return _together(_join_share, folder, rows)


def _together(
    work: Callable[..., dict[str, Tensor]], folder: Path, *given: object
) -> list[dict[str, Tensor]]:
    """given: arguments of `work` after the rank; -> its result in each process."""
    torch.save(given, folder / "given")
    multiprocessing.spawn(_in_process, (work, folder), nprocs=WORLD)
    return [torch.load(folder / f"answer{rank}") for rank in range(WORLD)]


def normalise(norm: torch.nn.BatchNorm2d, pictures: Tensor, weights: Tensor) -> dict[str, Tensor]:
    """Output and gradients of the second of two training steps, and the running statistics."""
    norm.train()
    norm(3 * pictures + 1)
    leaf = pictures.clone().requires_grad_()
    output = norm(leaf)
    # Weighted, since the sum of normalised values does not depend on the input.
    (output * weights).sum().backward()
    assert leaf.grad is not None
    return {
        "output": output.detach(),
        "input gradient": leaf.grad,
        "weight gradient": norm.weight.grad,
        "bias gradient": norm.bias.grad,
        **norm.state_dict(),
    }


def make_norm() -> GlobalBatchNorm2d:
    """Five different channels."""
    norm = GlobalBatchNorm2d(5)
    with torch.no_grad():
        norm.weight.copy_(torch.linspace(0.5, 2.0, 5))
        norm.bias.copy_(torch.linspace(-1.0, 1.0, 5))
    return norm


def _in_process(rank: int, work: Callable[..., dict[str, Tensor]], folder: Path) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=WORLD
    )
    try:
        given = torch.load(folder / "given", weights_only=False)
        torch.save(work(rank, *given), folder / f"answer{rank}")
    finally:
        distributed.destroy_process_group()


def _normalise_half(rank: int, pictures: Tensor, weights: Tensor) -> dict[str, Tensor]:
    norm = make_norm().to(pictures.device)
    return normalise(norm, pictures.chunk(WORLD)[rank], weights.chunk(WORLD)[rank])


def _lose_share(rank: int, loss: nn.Module, features: Tensor, labels: Tensor) -> dict[str, Tensor]:
    leaf = features.chunk(WORLD)[rank].clone().requires_grad_()
    value = loss(leaf, labels.chunk(WORLD)[rank])
    value.backward()
    assert leaf.grad is not None
    return {"value": value.detach(), "gradient": leaf.grad, **loss.state_dict()}


def _join_share(rank: int, rows: Tensor) -> dict[str, Tensor]:
    leaf = (rows[:1], rows[1:])[rank].clone().requires_grad_()
    joined = rows_of_all_processes(leaf)
    # Different losses, to see each process's part of the gradient.
    ((rank + 1) * joined * rows).sum().backward()
    assert leaf.grad is not None
    return {"joined": joined.detach(), "gradient": leaf.grad}
