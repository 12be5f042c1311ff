"""Settings of the classifier on MobileNetV1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fer_det.config.model import ClassifierModelConfig

WIDTH = 1024
"""Channels of the last block at a multiplier of 1."""


@dataclass(frozen=True)
class Config(ClassifierModelConfig):
    """Settings of the classifier on MobileNetV1."""

    name: str = "mobilenet_classifier"
    """Model to build; an unknown name lists the known ones."""
    input_size: int = 64
    """Side of the square input in pixels; faces are scaled into it."""
    face_margin: float = 0.0
    """Margin of a face crop on each side, relative to the longer side of the face's box."""
    width_multiplier: float = 1.0
    """Factor of all channel counts, which are rounded to multiples of 8."""
    dropout: float = 0.3
    """Dropout before the last layer."""

    size_multiple: ClassVar[int] = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        self.demand_range("width_multiplier", 0.0625, 4, "0.0625 to 4")
        self.demand_range("dropout", 0, 0.95, "0 to 0.95")

    def channels(self, count: int) -> int:
        """Return a layer's channels for its count at a multiplier of 1."""
        return max(8, 8 * round(count * self.width_multiplier / 8))

    @property
    def feature_width(self) -> int:
        """Length of the feature vectors."""
        return self.channels(WIDTH)

    @property
    def freezable_layers(self) -> int:
        """The first convolution and the 13 blocks."""
        return 14
