"""MobileNetV3 as a classifier of face crops: it pretrains the backbone of SSDLite.

Howard et al., "Searching for MobileNetV3", 2019. The backbone is SSDLite's up to the stride of 32,
under the same names, so that `--init` takes it over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from fer_det.config.model import ClassifierModelConfig
from fer_det.losses.softmax import Softmax
from fer_det.models.contract import FaceModel
from fer_det.models.crop_classifier import CropClassifier
from fer_det.models.layers import merge_norms
from fer_det.models.ssdlite.config import FREEZABLE_LAYERS
from fer_det.models.ssdlite.extractor import make_extractor, split_extractor


@dataclass(frozen=True)
class Config(ClassifierModelConfig):
    """Settings of the MobileNetV3 classifier."""

    name: str = "mobilenet_v3_classifier"
    """Model to build; an unknown name lists the known ones."""
    input_size: int = 112
    """Side of the square input in pixels; faces are scaled into it."""
    face_margin: float = 0.1
    """Margin of a face crop on each side, relative to the longer side of the face's box."""
    width: Literal["large", "small"] = "small"
    """Which MobileNetV3 is the backbone."""
    dropout: float = 0.2
    """Dropout before the last layer."""

    size_multiple: ClassVar[int] = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        self.demand_range("dropout", 0, 0.95, "0 to 0.95")

    @property
    def feature_width(self) -> int:
        """Length of the feature vectors."""
        return {"large": 480, "small": 576}[self.width]

    @property
    def freezable_layers(self) -> int:
        """The stem, the blocks, of which one is split, and the last convolution."""
        return FREEZABLE_LAYERS[f"mobilenet_v3_{self.width}"]


class MobileNetV3Classifier(CropClassifier):
    """See CropClassifier; `backbone` returns the maps of strides 16 and 32 by name."""

    def __init__(self, config: Config, classes: Sequence[str], loss: nn.Module) -> None:
        """loss: one of fer_det.losses."""
        super().__init__(config, classes, loss, config.dropout)
        self.backbone = make_extractor(f"mobilenet_v3_{config.width}", maps=2)
        merge_norms(self, config.batch_norm)

    def feature_map(self, batch: Tensor) -> Tensor:
        """See CropClassifier."""
        last: Tensor = list(self.backbone(batch).values())[-1]
        return last

    def backbone_layers(self) -> list[nn.Module]:
        """See FaceModel."""
        return split_extractor(self.backbone)


def build(config: Config, classes: Sequence[str], loss: nn.Module | None = None) -> FaceModel:
    """Build the classifier with random weights, in channels_last.

    loss: one of fer_det.losses, softmax by default.
    """
    model = MobileNetV3Classifier(config, classes, loss if loss is not None else Softmax())
    return model.to(memory_format=torch.channels_last)
