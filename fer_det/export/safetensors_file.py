"""A model file to pass on: safetensors, described, and without the paths of the machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from fer_det.config.export import ExportConfig
from fer_det.config.model import ModelConfig
from fer_det.errors import ConfigError
from fer_det.io.files import refuse_existing
from fer_det.models.vgg16 import VGG16Config
from fer_det.weights.model_file import (
    DATASETS,
    TEMPERATURE,
    UNKNOWN_BELOW,
    ModelFile,
    demand_complete,
    read_model_file,
    write_model_file,
)

KEPT = ("epoch", "step", "validation", "precision", "licence", "trained_on", "source")
"""Parts of a model file's `info` that are passed on, beside temperature, threshold and settings."""
OF_THE_MACHINE = (
    *("data", "out", "init", "device", "workers", "processes", "retries", "save_minutes"),
    "overwrite",
)
"""Settings of a training that are not."""


def export_safetensors(config: ExportConfig, weights: Path) -> Path:
    """Write --out; return it. Raises ConfigError, OutputError and WeightsError."""
    if config.dtype == "int8":
        raise ConfigError("--dtype int8 with safetensors", "float32 or float16", "change the flag")
    refuse_existing(config.out, config.overwrite)
    file = read_model_file(weights)
    demand_complete(file, weights)
    described = {
        name: text
        for name in ("source", "licence", "trained_on")
        if (text := getattr(config, name)) is not None
    }
    wanted = KEPT if config.to == "backbone" else (*KEPT, TEMPERATURE, UNKNOWN_BELOW)
    info: dict[str, Any] = {name: file.info[name] for name in wanted if name in file.info}
    if settings := file.info.get("train_config"):
        plain = {name: value for name, value in settings.items() if name not in OF_THE_MACHINE}
        info["train_config"] = plain
    if DATASETS in file.info.get("data", {}):
        info["data"] = {DATASETS: file.info["data"][DATASETS]}
    if config.to == "backbone":
        file = _backbone_of(file, weights)
    dtype = torch.float16 if config.dtype == "float16" else torch.float32
    write_model_file(config.out, replace(file, info={**info, **described}, training=None), dtype)
    return config.out


def _backbone_of(file: ModelFile, weights: Path) -> ModelFile:
    """The backbone alone under torchvision's names, see weights/README.md."""
    if not isinstance(file.config, VGG16Config):
        raise ConfigError(
            f"--to backbone with {weights}, a {file.config.name}",
            "a model on VGG16",
            "name another file, or write the whole model with --to safetensors",
        )
    prefix = "backbone."
    tensors = {
        name.removeprefix(prefix): tensor
        for name, tensor in file.tensors.items()
        if name.startswith(prefix)
    }
    normalisation = ModelConfig(
        image_mean=file.config.image_mean, image_std=file.config.image_std, batch_norm=False
    )
    return replace(file, tensors=tensors, config=normalisation, classes=())
