"""A classifier without weights: the mean colour in a face's box is its expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fer_det.config.model import ClassifierModelConfig
from fer_det.models import Registered
from fer_det.models.contract import FaceModel
from fer_det.weights.model_file import ModelFile, write_model_file

NAME = "colour"
REGISTERED = Registered("classifier", "fake_data.colour_classifier")
"""Its entry in fer_det.models.MODELS, under NAME."""
CLASSES = ("anger", "happiness", "sadness")
"""Of red, green and blue."""


class ColourClassifier(FaceModel):
    """Honours the models' contract in evaluation: probabilities are shares of the colours."""

    def forward(
        self, images: Tensor, targets: Sequence[dict[str, Tensor]]
    ) -> list[dict[str, Tensor]]:
        """See FaceModel."""
        return [
            {"target_probabilities": torch.stack([_shares(image, box) for box in target["boxes"]])}
            for image, target in zip(images, targets, strict=True)
        ]


def _shares(image: Tensor, box: Tensor) -> Tensor:
    left, top, right, bottom = box.round().int().tolist()
    mean = image[:, top:bottom, left:right].float().mean((1, 2))
    return mean / mean.sum()


@dataclass(frozen=True)
class Config(ClassifierModelConfig):
    """It has no settings of its own."""

    name: str = NAME
    input_size: int = 64
    batch_norm: bool = False


def build(config: Config, classes: Sequence[str]) -> ColourClassifier:
    """See fer_det.models."""
    return ColourClassifier()


def colour_model_file(**info: Any) -> ModelFile:
    """The model's file in memory."""
    described: Mapping[str, Any] = info
    return ModelFile({}, Config(), CLASSES, info=described)


def save_colour_checkpoint(path: Path, **info: Any) -> Path:
    """A model file of a few kilobytes that names this model."""
    write_model_file(path, colour_model_file(**info))
    return path
