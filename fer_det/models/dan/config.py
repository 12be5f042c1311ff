"""Settings of DAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fer_det.models.torchvision_classifiers.config import TorchvisionConfig


@dataclass(frozen=True)
class Config(TorchvisionConfig):
    """Settings of DAN."""

    name: str = "dan"
    """Model to build; an unknown name lists the known ones."""
    heads: int = 4
    """Cross-attention heads."""
    partition_weight: float = 1.0
    """Weight of the partition loss, which is small where the heads' answers vary."""

    layers: ClassVar[int] = 9

    def __post_init__(self) -> None:
        super().__post_init__()
        self.demand_range("heads", 2, 64, "2 to 64")
        self.demand_range("partition_weight", 0, 100, "0 to 100")
