"""Steps of the optimizer: learning rate schedule, gradient clipping, loss scaling for float16."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from fer_det.config.training import OptimizerConfig
from fer_det.runtime.device import Hardware

ADAM_SECOND_BETA = 0.999
PLATEAU_FACTOR, PLATEAU_EPOCHS = 0.5, 3
"""Of the learning rate, after so many epochs without a better score."""


class Trainable(Protocol):
    """What is optimised: a FaceModel, or what holds one."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """All parameters."""

    def parameter_groups(self, config: OptimizerConfig) -> list[dict[str, Any]]:
        """See FaceModel."""


class Optimization:
    """The optimizer of a model's own parameter groups."""

    def __init__(self, model: Trainable, config: OptimizerConfig, hardware: Hardware) -> None:
        self.optimizer = make_optimizer(model, config)
        self._model, self._config = model, config
        self._plateau = {"factor": 1.0, "best": -math.inf, "waited": 0.0}
        self._scaler = torch.amp.GradScaler(
            hardware.device.type, enabled=hardware.precision == "float16"
        )

    @property
    def skips_infinite_steps(self) -> bool:
        """Whether a gradient that is not finite only means that the loss was scaled too much."""
        return bool(self._scaler.is_enabled())

    def compute_gradients(self, loss: Tensor) -> Tensor:
        """Compute and clip the gradients of a loss -> [], their total norm before."""
        self.optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self._scaler.unscale_(self.optimizer)
        return nn.utils.clip_grad_norm_(self._model.parameters(), self._config.clip_norm)

    def step(self, number: int, total: int) -> float:
        """Update the weights in the `number`-th of `total` steps; return the learning rate."""
        peak, warmup = self._config.learning_rate, self._config.warmup_steps
        cosine = self._config.schedule == "cosine"
        rate = learning_rate(peak, number, total, warmup, cosine) * self._plateau["factor"]
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["multiplier"]
        self._scaler.step(self.optimizer)
        self._scaler.update()
        return rate

    def end_epoch(self, score: float) -> None:
        """Take an epoch's selection score on the validation split into the schedule."""
        plateau = self._plateau
        if score > plateau["best"]:
            plateau |= {"best": score, "waited": 0.0}
            return
        plateau["waited"] += 1
        if plateau["waited"] == PLATEAU_EPOCHS and self._config.schedule == "plateau":
            plateau |= {"factor": plateau["factor"] * PLATEAU_FACTOR, "waited": 0.0}

    def state(self) -> dict[str, Any]:
        """Return what last.pth holds of it."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "plateau": dict(self._plateau),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.optimizer.load_state_dict(cast(dict[str, Any], state["optimizer"]))
        if self._scaler.is_enabled():
            self._scaler.load_state_dict(state["scaler"])
        # A last.pth of a version that had no plateau lacks it.
        self._plateau |= state.get("plateau", {})


def make_optimizer(model: Trainable, config: OptimizerConfig) -> Optimizer:
    """Return SGD with Nesterov momentum, or AdamW."""
    groups = model.parameter_groups(config)
    if config.name == "adamw":
        betas = (config.momentum, ADAM_SECOND_BETA)
        return AdamW(groups, lr=config.learning_rate, betas=betas, fused=True)
    return SGD(
        groups,
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=config.momentum > 0,
        fused=True,
    )


def learning_rate(peak: float, step: int, total: int, warmup: int, cosine: bool = True) -> float:
    """Rise linearly over `warmup` steps, then fall along half a cosine to 0 at `total`, or stay.

    step counts from 0; the warm-up takes at most a tenth of all steps. The cosine without restarts
    of SGDR: Loshchilov and Hutter, 2017.
    """
    warmup = min(warmup, max(total // 10, 1))
    if step < warmup:
        return peak * (step + 1) / warmup
    if not cosine:
        return peak
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(total - warmup, 1)))
