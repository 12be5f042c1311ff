"""Settings of the network that a backbone is trained in."""

from __future__ import annotations

from dataclasses import dataclass

from fer_det.models.vgg16 import VGG16Config


@dataclass(frozen=True)
class Config(VGG16Config):
    """Settings of the network that a backbone is trained in."""

    name: str = "face_attributes"
    """Model to build; an unknown name lists the known ones."""
    input_size: int = 96
    """Side of the square input in pixels; pictures are scaled into it."""
    dropout: float = 0.3
    """Probability of dropping a pooled feature in training."""
    pooling_size: int = 3
    """Bins along each side of the grid that RoIAlign pools the face into."""
