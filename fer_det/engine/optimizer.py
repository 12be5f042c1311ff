"""Which weights are moved and how fast, with decay on weights alone."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from fer_det.config.training import OptimizerConfig
from fer_det.models.vgg16 import VGG16Backbone

ADAM_SECOND_BETA = 0.999
CLIP_EPS = 1e-6
"""What torch's clipping adds to a length before it divides by it."""

BACKBONE_PREFIX = "backbone."
"""Where models keep their backbone, as torchvision's detectors do."""
HEAD_PREFIX = "roi_heads.box_head."
"""Where they keep fc6 and fc7."""


def freeze_backbone(model: nn.Module, convolutions: int) -> None:
    """Keep the first so many convolutions of the model's backbone as they are; see VGG16Backbone."""
    if convolutions:
        backbone = model.get_submodule(BACKBONE_PREFIX.rstrip("."))
        assert isinstance(backbone, VGG16Backbone)
        backbone.freeze(convolutions)


def make_optimizer(model: nn.Module, config: OptimizerConfig) -> Optimizer:
    """SGD with Nesterov momentum, or AdamW; biases and normalisation are not decayed.

    Each group carries its `factor` of the learning rate, which `set_learning_rate` respects.
    """
    groups = []
    factors = {
        BACKBONE_PREFIX: config.backbone_lr_multiplier,
        HEAD_PREFIX: config.head_lr_multiplier,
    }
    for factor, parameters in _by_factor(model, factors).items():
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


def shorten_gradients(model: nn.Module, longest: float) -> Tensor:
    """Scale all gradients together down to the length `longest`; -> [] the length they had.

    torch's clip_grad_norm_ to the last digit, save that gradients which are short enough are left
    alone where it multiplies each of them by 1.
    """
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    norm = nn.utils.get_total_norm(gradients)
    # Turned around so that a length that is not a number spreads, as it does there.
    if not bool(norm + CLIP_EPS <= longest):
        nn.utils.clip_grads_with_norm_(model.parameters(), longest, norm)
    return norm


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Give each group its part of the rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]


def _by_factor(model: nn.Module, factors: Mapping[str, float]) -> dict[float, list[nn.Parameter]]:
    """The parameters to train by the factor of their learning rate, 1 without a known prefix."""
    found: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            own = [factor for prefix, factor in factors.items() if name.startswith(prefix)]
            found.setdefault(own[0] if own else 1.0, []).append(parameter)
    return found
