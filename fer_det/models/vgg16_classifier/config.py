"""Settings of the classifier on VGG16."""

from __future__ import annotations

from dataclasses import dataclass

from fer_det.config.model import ClassifierModelConfig
from fer_det.models.vgg16 import VGG16Config


@dataclass(frozen=True)
class Config(VGG16Config, ClassifierModelConfig):
    """Settings of the classifier on VGG16."""

    name: str = "vgg16_classifier"
    """Model to build; an unknown name lists the known ones."""

    @property
    def feature_width(self) -> int:
        """Length of fc7's output."""
        return self.head_width
