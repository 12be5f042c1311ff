"""Settings of the small residual classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fer_det.config.model import ClassifierModelConfig, demand


@dataclass(frozen=True)
class Config(ClassifierModelConfig):
    """Settings of the small residual classifier."""

    name: str = "resnet_classifier"
    """Model to build; an unknown name lists the known ones."""
    input_size: int = 64
    """Side of the square input in pixels; faces are scaled into it."""
    face_margin: float = 0.0
    """Margin of a face crop on each side, relative to the longer side of the face's box."""
    stem_width: int = 32
    """Channels of the first convolution, which halves the input."""
    widths: tuple[int, ...] = (48, 96, 192, 256)
    """Channels of each stage; every stage but the first halves the feature map."""
    blocks: tuple[int, ...] = (1, 2, 2, 1)
    """Residual blocks of each stage."""
    squeeze: int = 8
    """Squeeze-and-excitation: channels divided by it in the bottleneck; 0 leaves it out."""
    dropout: float = 0.3
    """Dropout before the last layer."""

    pretrained = ("expression_small.safetensors",)
    size_multiple: ClassVar[int] = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        self.demand_range("stem_width", 1, 4096, "1 to 4096")
        self.demand_range("widths", 1, 4096, "1 to 4096 each")
        self.demand_range("blocks", 1, 64, "1 to 64 each")
        self.demand_range("squeeze", 0, 64, "0 to 64")
        self.demand_range("dropout", 0, 0.95, "0 to 0.95")
        demand(
            len(self.widths) == len(self.blocks),
            f"--model.widths of {len(self.widths)} stages, --model.blocks of {len(self.blocks)}",
            "as many of both",
        )

    @property
    def feature_width(self) -> int:
        """Length of the feature vectors."""
        return self.widths[-1]

    @property
    def freezable_layers(self) -> int:
        """The first convolution and the blocks."""
        return 1 + sum(self.blocks)
