"""The optimiser, with decay on weights alone."""

from __future__ import annotations

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from fer_det.config import OptimizerConfig

ADAM_SECOND_BETA = 0.999


def make_optimizer(model: nn.Module, config: OptimizerConfig) -> Optimizer:
    """SGD with Nesterov momentum, or AdamW; biases and normalisation are not decayed."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
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
