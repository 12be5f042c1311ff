"""A detector without weights: each bright spot is a face, and its colour the expression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from fake_data.voc_tree import CLASSES
from numpy.typing import NDArray
from torch import Tensor

from fer_det.config.model import ModelConfig
from fer_det.models import Registered
from fer_det.models.contract import FaceModel
from fer_det.weights.model_file import ModelFile, write_model_file

NAME = "bright"
REGISTERED = Registered("detector", "fake_data.bright_detector")
"""Its entry in fer_det.models.MODELS, under NAME."""
SIZE = 64
GROUND, BRIGHT = 20, 120
"""Brighter than BRIGHT in its strongest colour is a face."""

HAPPY, ANGRY = (255, 255, 0), (255, 0, 0)
"""Colours of a spot that is happy with probability 1, and of one that is angry."""


class BrightDetector(FaceModel):
    """Honours the models' contract in evaluation: happiness grows with green, anger falls."""

    def forward(self, images: Tensor) -> list[dict[str, Tensor]]:
        """See FaceModel."""
        return [self._answer(image) for image in images]

    def _answer(self, image: Tensor) -> dict[str, Tensor]:
        pixels = (image.float().permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        mask = (pixels.max(axis=2) > BRIGHT).astype(np.uint8)
        _, _, stats, centres = cv2.connectedComponentsWithStats(mask)
        boxes, rows = [], []
        for (left, top, width, height, _), (x, y) in zip(stats[1:], centres[1:], strict=True):
            boxes.append([left, top, left + width, top + height])
            happiness = pixels[int(y), int(x), 1] / 255
            row = torch.zeros(len(CLASSES))
            row[CLASSES.index("happiness")] = happiness
            row[CLASSES.index("anger")] = 1 - happiness
            rows.append(row)
        return {
            "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
            "scores": torch.full((len(boxes),), 0.9),
            "labels": torch.ones(len(boxes), dtype=torch.int64),
            "probabilities": torch.stack(rows) if rows else torch.zeros(0, len(CLASSES)),
        }


@dataclass(frozen=True)
class Config(ModelConfig):
    """It has no settings of its own."""

    name: str = NAME


def build(config: Config, classes: Sequence[str]) -> BrightDetector:
    """See fer_det.models."""
    return BrightDetector()


def save_bright_checkpoint(path: Path) -> Path:
    """A model file of a few kilobytes that names this model."""
    config = Config(input_size=SIZE, batch_norm=False)
    write_model_file(path, ModelFile({}, config, CLASSES))
    return path


def spots(
    *places: tuple[int, int, tuple[int, int, int]], width: int = 128, height: int = 96
) -> NDArray[np.uint8]:
    """[height, width, 3]: at each (left, top, colour) a spot of 24 x 32 pixels."""
    pixels = np.full((height, width, 3), GROUND, np.uint8)
    for left, top, colour in places:
        pixels[top : top + 32, left : left + 24] = colour
    return pixels
