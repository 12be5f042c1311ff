"""Fully connected layers as two thin ones, which cost a fraction and say nearly the same.

Girshick, "Fast R-CNN", 2015, section 3.1: W = U S V^T, and only the largest singular values stay.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

_SPARE = 16
"""Further directions that the search keeps beside those wanted; they make it exact enough."""
_ITERATIONS = 6


def linear(inputs: int, outputs: int, rank: int | None = None) -> nn.Module:
    """A linear layer; with a rank, as two thin ones, the first without bias."""
    if rank is None:
        return nn.Linear(inputs, outputs)
    return nn.Sequential(nn.Linear(inputs, rank, bias=False), nn.Linear(rank, outputs))


def start_for_relu(layer: nn.Module) -> None:
    """Give what `linear` made its random start, with a ReLU to follow."""
    for thin in layer.modules():
        if isinstance(thin, nn.Linear):
            ends = thin.bias is not None
            nn.init.kaiming_normal_(thin.weight, nonlinearity="relu" if ends else "linear")
            if ends:
                nn.init.zeros_(thin.bias)


def truncate(state: Mapping[str, Tensor], layer: str, rank: int) -> dict[str, Tensor]:
    """A state dict whose `layer`, weight [O, I], became the nearest one of that rank, as `linear`.

    Of rank min(O, I) or more it is the same function to rounding. The same input gives the same
    bytes on one machine.
    """
    weight = state[f"{layer}.weight"].float()
    directions = min(rank + _SPARE, *weight.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        left, values, right = torch.svd_lowrank(weight, directions, _ITERATIONS)
    # Half of each value on either side, so that neither layer's numbers are far from 1.
    share = values[:rank].sqrt()
    thin = {name: tensor for name, tensor in state.items() if not name.startswith(f"{layer}.")}
    thin[f"{layer}.0.weight"] = share[:, None] * right[:, :rank].T
    thin[f"{layer}.1.weight"] = left[:, :rank] * share
    thin[f"{layer}.1.bias"] = state[f"{layer}.bias"].clone()
    return thin
