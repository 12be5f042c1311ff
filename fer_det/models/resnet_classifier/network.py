"""A residual network on small face crops: 2.6 million parameters at the default widths.

Blocks of two 3x3 convolutions as in He et al., "Deep residual learning for image recognition",
CVPR 2016, each with the channel attention of Hu et al., "Squeeze-and-excitation networks", CVPR
2018. Nothing is pooled before the end, since a small face has no pixel to spare.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.ops import SqueezeExcitation

from fer_det.losses.softmax import Softmax
from fer_det.models.contract import FaceModel
from fer_det.models.crop_classifier import CropClassifier
from fer_det.models.layers import NormalisedConv2d
from fer_det.models.resnet_classifier.config import Config


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and channel attention beside the identity or a 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int, stride: int, config: Config) -> None:
        super().__init__()
        self.first = _conv(inputs, outputs, 3, stride, config)
        self.second = _conv(outputs, outputs, 3, 1, config)
        self.attention: nn.Module = nn.Identity()
        if config.squeeze:
            self.attention = SqueezeExcitation(outputs, max(outputs // config.squeeze, 1))
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = _conv(inputs, outputs, 1, stride, config)

    def forward(self, features: Tensor) -> Tensor:
        """[B, C_in, H, W] -> [B, C_out, H / stride, W / stride]."""
        changed = self.second(torch.relu(self.first(features)))
        return torch.relu(self.shortcut(features) + self.attention(changed))


class ResNetClassifier(CropClassifier):
    """See CropClassifier; `backbone` returns the map whose mean is the feature vector."""

    def __init__(self, config: Config, classes: Sequence[str], loss: nn.Module) -> None:
        """loss: one of fer_det.losses."""
        super().__init__(config, classes, loss, config.dropout)
        self.backbone = nn.Sequential(*make_layers(config))

    def backbone_layers(self) -> list[nn.Module]:
        """See FaceModel."""
        assert isinstance(self.backbone, nn.Sequential)
        return [layer for layer in self.backbone if not isinstance(layer, nn.ReLU)]


def make_layers(config: Config) -> list[nn.Module]:
    """The first convolution, its ReLU, and the blocks of all stages, of which the first has the
    stride 2 and each other one twice that of the one before.
    """
    layers: list[nn.Module] = [_conv(3, config.stem_width, 3, 2, config), nn.ReLU()]
    channels = config.stem_width
    for stage, (width, blocks) in enumerate(zip(config.widths, config.blocks, strict=True)):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            layers.append(ResidualBlock(channels, width, stride, config))
            channels = width
    return layers


def build(config: Config, classes: Sequence[str], loss: nn.Module | None = None) -> FaceModel:
    """Build the classifier with random weights, in channels_last.

    loss: one of fer_det.losses, softmax by default.
    """
    model = ResNetClassifier(config, classes, loss if loss is not None else Softmax())
    return model.to(memory_format=torch.channels_last)


def _conv(inputs: int, outputs: int, side: int, stride: int, config: Config) -> nn.Conv2d:
    kind = NormalisedConv2d if config.batch_norm else nn.Conv2d
    conv = kind(inputs, outputs, side, stride, side // 2)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv
