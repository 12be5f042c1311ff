"""The models by name; a new one is a file here and a line in MODELS."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn

from fer_det.config.classifier import CLASSIFIER_MODEL
from fer_det.config.training import ModelConfig
from fer_det.errors import ConfigError
from fer_det.models import vgg16_classifier as classifier
from fer_det.models.vgg16_frcnn import network as faster_rcnn

MODELS: dict[str, Callable[[ModelConfig, Sequence[str]], nn.Module]] = {
    "frcnn_vgg16": faster_rcnn.build,
    CLASSIFIER_MODEL: classifier.build,
}

CLASSIFIERS = frozenset({CLASSIFIER_MODEL})
"""Those that name the expression in a given box and look for none."""


def build_model(config: ModelConfig, classes: Sequence[str]) -> nn.Module:
    """Make the untrained model that `config` names, for those classes; ConfigError if unknown."""
    if config.name not in MODELS:
        raise ConfigError(
            f"--model.name {config.name}", f"one of {', '.join(MODELS)}", "change the flag"
        )
    return MODELS[config.name](config, classes)
