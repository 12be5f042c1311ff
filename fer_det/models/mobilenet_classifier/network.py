"""MobileNetV1: Howard et al., "MobileNets", 2017, table 1.

Made for 224 px; small faces leave it a map of a few cells, so the first convolution keeps their
size where the input has at most 64 px.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import nn
from torchvision.ops.misc import Conv2dNormActivation

from fer_det.losses.softmax import Softmax
from fer_det.models.contract import FaceModel
from fer_det.models.crop_classifier import CropClassifier
from fer_det.models.layers import merge_norms
from fer_det.models.mobilenet_classifier.config import WIDTH, Config

BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((WIDTH, 2), (WIDTH, 1)),
)
"""Output channels and stride of each depthwise separable convolution."""
SMALL = 64
"""Pixels; up to this input size the first convolution has stride 1."""

_convolution = partial(Conv2dNormActivation, norm_layer=nn.BatchNorm2d, activation_layer=nn.ReLU)


class MobileNetClassifier(CropClassifier):
    """See CropClassifier."""

    def __init__(self, config: Config, classes: Sequence[str], loss: nn.Module) -> None:
        """loss: one of fer_det.losses."""
        super().__init__(config, classes, loss, config.dropout)
        channels = config.channels(32)
        stride = 1 if config.input_size <= SMALL else 2
        layers: list[nn.Module] = [_convolution(3, channels, stride=stride)]
        for count, stride in BLOCKS:
            width = config.channels(count)
            depthwise = _convolution(channels, channels, stride=stride, groups=channels)
            layers.append(nn.Sequential(depthwise, _convolution(channels, width, kernel_size=1)))
            channels = width
        self.backbone = nn.Sequential(*layers)
        merge_norms(self.backbone, config.batch_norm)

    def backbone_layers(self) -> list[nn.Module]:
        """See FaceModel."""
        assert isinstance(self.backbone, nn.Sequential)
        return list(self.backbone)


def build(config: Config, classes: Sequence[str], loss: nn.Module | None = None) -> FaceModel:
    """Build the classifier with random weights, in channels_last.

    loss: one of fer_det.losses, softmax by default.
    """
    model = MobileNetClassifier(config, classes, loss if loss is not None else Softmax())
    return model.to(memory_format=torch.channels_last)
