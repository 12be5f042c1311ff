"""Small untrained models whose answers differ from picture to picture, as model files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.models import MODELS, build_model
from fer_det.models.layers import GlobalBatchNorm2d
from fer_det.weights.model_file import ModelFile, write_model_file

CLASSES = tuple(expression.label for expression in BASIC_EXPRESSIONS)
SETTINGS: dict[str, dict[str, Any]] = {
    "ssdlite": {"extractor": "mobilenet_v3_small", "input_size": 96},
    "vgg16_classifier": {"input_size": 32, "head_width": 16},
    "vgg16_frcnn": {"input_size": 64, "head_width": 16},
    "resnet_classifier": {
        "input_size": 32,
        "stem_width": 8,
        "widths": (8, 16),
        "blocks": (1, 1),
        "face_margin": 0.1,
    },
}
TEMPERATURE = 1.3
LOUDER = {"ssdlite": 6.0, "vgg16_classifier": 20.0, "vgg16_frcnn": 20.0}
"""Factors of the class layers' weights, without which all answers are nearly equal."""


def write_tiny(path: Path, name: str, **settings: Any) -> Path:
    """Write a model file of the model of that name; its temperature is TEMPERATURE."""
    torch.manual_seed(3)
    config = MODELS[name].config_class()(**SETTINGS.get(name, {}), **settings)
    model = build_model(config, CLASSES)
    for layer in model.modules():
        if isinstance(layer, GlobalBatchNorm2d):
            layer.momentum = 1.0
    pictures = torch.rand(8, 3, config.input_size, config.input_size)
    with torch.no_grad():
        # Once with the statistics of this batch, which become the running ones.
        model.train()
        model._run_normalised(pictures)
        for layer_name in model.class_layers:
            if layer_name.startswith("loss."):
                continue
            layer = model.get_submodule(layer_name)
            assert isinstance(layer, nn.Conv2d | nn.Linear)
            layer.weight *= LOUDER.get(name, 10.0)
            layer.bias += torch.linspace(-0.5, 0.5, len(layer.bias))
    tensors, deployed = model.eval().deployable()
    info = {"temperature": TEMPERATURE, "licence": "CC0-1.0", "epoch": 0}
    write_model_file(path, ModelFile(tensors, deployed, CLASSES, info))
    return path
