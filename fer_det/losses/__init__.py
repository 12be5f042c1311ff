"""Losses of a classifier, by name. A new one is a file here and a line in LOSSES."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from fer_det.errors import ConfigError

if TYPE_CHECKING:
    from torch import nn

    from fer_det.config.classifier import TrainClassifierConfig

LOSSES = {
    "softmax": "fer_det.losses.softmax",
    "centre": "fer_det.losses.centre",
    "locality": "fer_det.losses.locality",
    "affinity": "fer_det.losses.affinity",
}
"""The module of each, with a function `build(config, classes)`. The loss is called with features
[N, W], logits [N, C], labels [N] int64 in 0..C-1 and label_probabilities [N, C] or None, in float32
or wider, and returns a dict of named losses, means over the N faces."""


def build_loss(config: TrainClassifierConfig, classes: int) -> nn.Module:
    """Build the loss that `config` names; ConfigError for an unknown name."""
    if config.loss not in LOSSES:
        raise ConfigError(f"--loss {config.loss}", f"one of {', '.join(LOSSES)}", "change the flag")
    return cast("nn.Module", import_module(LOSSES[config.loss]).build(config, classes))
