"""What a classifier learns from, by name; a new loss is a file here and a line in LOSSES."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from fer_det.config.classifier import TrainClassifierConfig
from fer_det.errors import ConfigError
from fer_det.losses import centre, locality, softmax

LOSSES: dict[str, Callable[[TrainClassifierConfig, int], nn.Module]] = {
    "softmax": softmax.build,
    "centre": centre.build,
    "locality": locality.build,
}
"""Each is called as loss(features [N, W], logits [N, C], labels [N] int64 in 0..C-1), in float32 or
wider, and answers a dict of named losses, the means over the N faces."""


def build_loss(config: TrainClassifierConfig, classes: int) -> nn.Module:
    """Make the loss that `config` names; ConfigError if unknown."""
    if config.loss not in LOSSES:
        raise ConfigError(f"--loss {config.loss}", f"one of {', '.join(LOSSES)}", "change the flag")
    return LOSSES[config.loss](config, classes)
