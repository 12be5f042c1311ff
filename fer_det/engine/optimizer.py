"""The optimizer of a model's parameter groups, and the learning rate at each step."""

from __future__ import annotations

import math

from torch.optim import SGD, AdamW, Optimizer

from fer_det.config.training import OptimizerConfig
from fer_det.models.contract import FaceModel

ADAM_SECOND_BETA = 0.999


def make_optimizer(model: FaceModel, config: OptimizerConfig) -> Optimizer:
    """Return SGD with Nesterov momentum, or AdamW, on the model's own parameter groups."""
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


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Set each group's learning rate to its multiple of `rate`."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["multiplier"]


def learning_rate(peak: float, step: int, total: int, warmup: int) -> float:
    """Rise linearly over `warmup` steps, then fall along half a cosine to 0 at `total`.

    step counts from 0; the warm-up takes at most a tenth of all steps. The cosine without restarts
    of SGDR: Loshchilov and Hutter, 2017.
    """
    warmup = min(warmup, max(total // 10, 1))
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(total - warmup, 1)))
