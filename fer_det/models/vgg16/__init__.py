"""What the models on VGG16 share: settings, backbone and box head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fer_det.config.model import ModelConfig, demand


@dataclass(frozen=True)
class VGG16Config(ModelConfig):
    """Settings of the models on VGG16."""

    dropout: float = 0.5
    """Probability of dropping an activation of the head in training."""
    pooling_size: int = 7
    """Bins along each side of the grid that RoIAlign pools a box into; published fc6 need 7."""
    sampling_ratio: int = 2
    """Samples along each side of a bin of RoIAlign."""
    head_width: int = 4096
    """Width of fc6 and fc7: 4096 to use published weights, 512 is enough without them."""
    head_rank: int | None = None
    """Rank of fc6 and fc7, of which each is then two thin layers; null for whole layers."""

    pretrained = ("vgg_face.safetensors", "vgg16_faces.safetensors")
    size_multiple: ClassVar[int] = 16

    @property
    def freezable_layers(self) -> int:
        """The convolutions."""
        return 13

    def __post_init__(self) -> None:
        super().__post_init__()
        demand(0 <= self.dropout < 1, f"--model.dropout {self.dropout}", "0 <= dropout < 1")
        for name in ("pooling_size", "sampling_ratio"):
            self.demand_range(name, 1, 64, "1 to 64")
        demand(self.head_width > 0, f"--model.head_width {self.head_width}", "at least 1")
        if self.head_rank is not None:
            demand(self.head_rank > 0, f"--model.head_rank {self.head_rank}", "at least 1")
