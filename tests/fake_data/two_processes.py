"""Work that two processes do together over gloo, each on its half of a batch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, distributed, multiprocessing

from fer_det.models.batch_norm import GlobalBatchNorm2d

WORLD = 2


def normalise_together(folder: Path, pictures: Tensor, weights: Tensor) -> list[dict[str, Tensor]]:
    """What each of two processes gets of `normalise` on its half of `pictures` and `weights`."""
    torch.save((pictures, weights), folder / "batch")
    multiprocessing.spawn(_normalise_half, (folder,), nprocs=WORLD)
    return [torch.load(folder / f"answer{rank}") for rank in range(WORLD)]


def normalise(norm: torch.nn.BatchNorm2d, pictures: Tensor, weights: Tensor) -> dict[str, Tensor]:
    """Two training steps' outputs, the gradients of the last, and the statistics remembered."""
    norm.train()
    norm(3 * pictures + 1)
    leaf = pictures.clone().requires_grad_()
    output = norm(leaf)
    # Weighted, since the plain sum of what is normalised does not depend on its input.
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
    """Five channels, no two of them alike."""
    norm = GlobalBatchNorm2d(5)
    with torch.no_grad():
        norm.weight.copy_(torch.linspace(0.5, 2.0, 5))
        norm.bias.copy_(torch.linspace(-1.0, 1.0, 5))
    return norm


def _normalise_half(rank: int, folder: Path) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder / 'meeting'}", rank=rank, world_size=WORLD
    )
    try:
        pictures, weights = (whole.chunk(WORLD)[rank] for whole in torch.load(folder / "batch"))
        torch.save(normalise(make_norm(), pictures, weights), folder / f"answer{rank}")
    finally:
        distributed.destroy_process_group()
