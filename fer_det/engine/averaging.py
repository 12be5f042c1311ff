"""Exponential moving average of a model's weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from fer_det.models.contract import FaceModel

WARM_UP = 10
"""After n steps the decay is at most (1 + n) / (WARM_UP + n), so that random weights fade soon."""

_Tensors: TypeAlias = tuple[Tensor, ...] | list[Tensor]


class WeightAverage:
    """The moving average of a model's parameters and buffers, in a model of its own."""

    def __init__(self, model: FaceModel, decay: float) -> None:
        self._averaged = AveragedModel(
            model, multi_avg_fn=_average_function(decay), use_buffers=True
        )

    @property
    def model(self) -> FaceModel:
        """The model with averaged weights."""
        return cast(FaceModel, self._averaged.module)

    def update(self, model: FaceModel) -> None:
        """Take the model's weights after a step into the average."""
        self._averaged.update_parameters(model)

    def state(self) -> dict[str, Tensor]:
        """Return what last.pth holds of it."""
        return dict(self._averaged.state_dict())

    def restore(self, state: dict[str, Tensor]) -> None:
        """Continue from what `state` returned."""
        self._averaged.load_state_dict(state)


def _average_function(decay: float) -> Callable[[_Tensors, _Tensors, Tensor | int], None]:
    @torch.no_grad()
    def update(averaged: _Tensors, current: _Tensors, count: Tensor | int) -> None:
        if not averaged[0].is_floating_point():
            for own, other in zip(averaged, current, strict=True):
                own.copy_(other)
            return
        steps = int(count)
        weight = 1 - min(decay, (1 + steps) / (WARM_UP + steps))
        torch._foreach_lerp_(list(averaged), list(current), weight)

    return update
