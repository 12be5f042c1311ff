"""Settings of Faster R-CNN on VGG16."""

from __future__ import annotations

from dataclasses import dataclass

from fer_det.config.model import demand
from fer_det.models.vgg16 import VGG16Config


@dataclass(frozen=True)
class Config(VGG16Config):
    """Settings of Faster R-CNN on VGG16."""

    name: str = "vgg16_frcnn"
    """Model to build; an unknown name lists the known ones."""
    anchor_scales: tuple[float, ...] = (0.125, 0.19, 0.29, 0.44, 0.66, 1.0)
    """Sides of the anchors, relative to the input size."""
    anchor_ratios: tuple[float, ...] = (1.2,)
    """Height over width of the anchors; MTCNN's boxes are a little taller than wide."""
    anchor_spacing: float = 0.0
    """Longest distance between anchors of one size, relative to it; 0 places one in each cell. For
    faces below a tenth of the input take 0.6, and scales from 0.055."""
    rpn_positive_iou: float = 0.7
    """An anchor that overlaps a face by this IoU or more is a positive of the RPN."""
    rpn_negative_iou: float = 0.3
    """An anchor that overlaps no face by this IoU is a negative of the RPN."""
    rpn_samples: int = 64
    """Anchors of each picture that enter the RPN's loss."""
    rpn_nms_iou: float = 0.7
    """Of two proposals with a higher IoU, only the one with the higher objectness is kept."""
    rpn_candidates: int = 8
    """Proposals before this suppression, as a multiple of those after it."""
    train_proposals: int = 64
    """Proposals of each picture that are kept in training."""
    test_proposals: int = 32
    """Proposals of each picture that are kept in evaluation; at least the faces to be found."""
    min_objectness: float = 0.05
    """Proposals below it are dropped in evaluation, apart from the best one of each picture."""
    match_iou: float = 0.5
    """A proposal that overlaps a face by this IoU or more is a positive of the box head."""
    roi_samples: int = 16
    """Proposals of each picture that enter the box head's loss; few faces need few."""
    box_weights: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)
    """Factors of the box head's corrections: x, y, log width, log height."""
    box_loss_weight: float = 0.25
    """Weight of the box head's box loss; at 1 it outweighs the expressions' loss."""
    nms_iou: float = 0.4
    """Of two boxes with a higher IoU, only the one with the higher score is kept."""
    detections: int = 32
    """Highest number of boxes for each picture."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("train_proposals", "test_proposals", "rpn_candidates", "detections"):
            demand(getattr(self, name) > 0, f"--model.{name} {getattr(self, name)}", "at least 1")
        for name in ("rpn_samples", "roi_samples"):
            # At most half of the samples are faces, so a single one never would be.
            demand(getattr(self, name) > 1, f"--model.{name} {getattr(self, name)}", "at least 2")
        demand(
            self.box_loss_weight >= 0,
            f"--model.box_loss_weight {self.box_loss_weight}",
            "0 or more",
        )
        for name in ("nms_iou", "rpn_nms_iou", "match_iou", "rpn_positive_iou"):
            value = getattr(self, name)
            demand(0 < value <= 1, f"--model.{name} {value}", f"0 < {name} <= 1")
        self.demand_range("rpn_negative_iou", 0, self.rpn_positive_iou, "0 to rpn_positive_iou")
        self.demand_range("min_objectness", 0, 1, "0 to 1")
        for name, low, high in (
            ("anchor_scales", 0.001, 2),
            ("anchor_ratios", 0.1, 10),
            ("anchor_spacing", 0, 10),
            ("box_weights", 0.001, 1000),
        ):
            self.demand_range(name, low, high, f"numbers from {low} to {high}")
