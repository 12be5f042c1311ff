"""The optimiser, with decay on weights alone."""

from __future__ import annotations

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from fer_det.config import OptimizerConfig

ADAM_SECOND_BETA = 0.999

TRUNK_PREFIX = "backbone."
"""Where models keep their trunk, as torchvision's detectors do."""


def make_optimizer(model: nn.Module, config: OptimizerConfig) -> Optimizer:
    """SGD with Nesterov momentum, or AdamW; biases and normalisation are not decayed.

    Each group carries its `factor` of the learning rate, which `set_learning_rate` respects.
    """
    groups = []
    for factor, parameters in _by_factor(model, config.trunk_rate).items():
        rate = {"lr": factor * config.learning_rate, "factor": factor}
        weights = [p for p in parameters if p.ndim > 1]
        rest = [p for p in parameters if p.ndim <= 1]
        groups.append({"params": weights, "weight_decay": config.weight_decay, **rate})
        groups.append({"params": rest, "weight_decay": 0.0, **rate})
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
    """Give each group its part of the rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]


def _by_factor(model: nn.Module, trunk_rate: float) -> dict[float, list[nn.Parameter]]:
    """The parameters to train by the factor of their learning rate."""
    found: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            factor = trunk_rate if name.startswith(TRUNK_PREFIX) else 1.0
            found.setdefault(factor, []).append(parameter)
    return found
