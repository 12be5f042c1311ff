"""Settings of SSDLite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from fer_det.config.model import ModelConfig, demand
from fer_det.models.resnet_classifier.config import Config as ResNetConfig

FREEZABLE_LAYERS = {
    "mobilenet_v3_large": 18,
    "mobilenet_v3_small": 14,
    "resnet": ResNetConfig().freezable_layers,
}


@dataclass(frozen=True)
class Config(ModelConfig):
    """Settings of SSDLite."""

    name: str = "ssdlite"
    """Model to build; an unknown name lists the known ones."""
    extractor: Literal["mobilenet_v3_large", "mobilenet_v3_small", "resnet"] = "mobilenet_v3_large"
    """The backbone: a MobileNetV3, or that of resnet_classifier, which is slower and more exact."""
    anchor_scales: tuple[tuple[float, ...], ...] = (
        (0.05, 0.075, 0.1, 0.15),
        (0.22, 0.32),
        (0.45, 0.6, 0.75, 0.95),
    )
    """Sides of the anchors on each feature map, relative to the input size; strides 16, 32, ...,
    with resnet 8, 16, ..."""
    anchor_ratio: float = 1.2
    """Height over width of the anchors."""
    anchor_spacing: float = 0.6
    """Longest distance between anchors of one size, relative to it; 0 places one in each cell."""
    match_iou: float = 0.5
    """An anchor that overlaps a face by this IoU is a positive, and so is a face's best anchor."""
    ignore_iou: float = 0.3
    """An anchor that overlaps a face to ignore by this IoU is neither positive nor negative."""
    negatives: int = 3
    """Negatives with the highest loss that enter the loss, for each positive."""
    box_weights: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)
    """Factors of the box corrections: x, y, log width, log height."""
    box_loss_weight: float = 0.25
    """Weight of the box loss beside the others."""
    class_margin: float = 0.1
    """Margin around a box whose cells decide its expression, relative to its longer side."""
    candidates: int = 100
    """Boxes with the highest scores that enter the suppression."""
    nms_iou: float = 0.4
    """Of two boxes with a higher IoU, only the one with the higher score is kept."""
    detections: int = 32
    """Highest number of boxes for each picture."""

    size_multiple: ClassVar[int] = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        maps = len(self.anchor_scales)
        demand(2 <= maps <= 6, f"--model.anchor_scales for {maps} maps", "2 to 6 maps")
        for scales in self.anchor_scales:
            holds = bool(scales) and all(0.001 <= scale <= 2 for scale in scales)
            demand(holds, f"--model.anchor_scales with {list(scales)}", "numbers from 0.001 to 2")
        self.demand_range("anchor_ratio", 0.1, 10, "0.1 to 10")
        self.demand_range("anchor_spacing", 0, 10, "0 to 10")
        self.demand_range("box_weights", 0.001, 1000, "numbers from 0.001 to 1000")
        for name in ("match_iou", "ignore_iou", "nms_iou"):
            value = getattr(self, name)
            demand(0 < value <= 1, f"--model.{name} {value}", f"0 < {name} <= 1")
        for name in ("negatives", "candidates", "detections"):
            demand(getattr(self, name) > 0, f"--model.{name} {getattr(self, name)}", "at least 1")
        weight = self.box_loss_weight
        demand(weight >= 0, f"--model.box_loss_weight {weight}", "0 or more")
        self.demand_range("class_margin", 0, 1, "0 to 1")

    @property
    def freezable_layers(self) -> int:
        """The stem, the blocks, of which one is split, and MobileNetV3's last convolution."""
        return FREEZABLE_LAYERS[self.extractor]

    @property
    def first_stride(self) -> int:
        """Input pixels a cell of the first feature map."""
        return 8 if self.extractor == "resnet" else 16
