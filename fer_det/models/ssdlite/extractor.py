"""Backbones of SSDLite: two feature maps, and further ones by SSDLite's extra blocks."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torchvision.models import mobilenet_v3_large, mobilenet_v3_small
from torchvision.models.detection.ssdlite import (
    SSDLiteFeatureExtractorMobileNet,
    _extra_block,
    _normal_init,
)

from fer_det.models.resnet_classifier.config import Config as ResNetConfig
from fer_det.models.resnet_classifier.network import make_layers

EXTRA_WIDTHS = (512, 256, 256, 128)
"""Channels of the maps of the extra blocks, as torchvision's."""


class ResNetExtractor(nn.Module):
    """The layers of resnet_classifier's backbone under their names, maps of strides 8 and 16, and
    SSDLite's extra blocks for further `maps`.
    """

    def __init__(self, maps: int, batch_norm: bool) -> None:
        super().__init__()
        config = ResNetConfig(batch_norm=batch_norm)
        layers = make_layers(config)
        for number, layer in enumerate(layers):
            self.add_module(str(number), layer)
        self._count = len(layers)
        self._first = self._count - config.blocks[-1]
        widths = (config.feature_width, *EXTRA_WIDTHS[: maps - 2])
        self.extra = nn.ModuleList(_extra_block(*pair, nn.BatchNorm2d) for pair in pairwise(widths))
        _normal_init(self.extra)

    def layers(self) -> list[nn.Module]:
        """The layers of the backbone from input to output."""
        return [self.get_submodule(str(number)) for number in range(self._count)]

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """[B, 3, S, S] -> the maps [B, C, H, W], finest first."""
        maps = []
        for number, layer in enumerate([*self.layers(), *self.extra], 1):
            images = layer(images)
            if number == self._first or number >= self._count:
                maps.append(images)
        return {str(number): each for number, each in enumerate(maps)}


def make_extractor(name: str, maps: int, batch_norm: bool = True) -> nn.Module:
    """Return the backbone that Config.extractor names, with extra blocks for more than two maps.

    A MobileNetV3 has the strides 16 and 32.

    batch_norm: of resnet; fer_det.models.layers.merge_norms removes the others'.
    """
    if name == "resnet":
        return ResNetExtractor(maps, batch_norm)
    if name == "mobilenet_v3_large":
        # With half of the channels in the last stage, as torchvision's SSDLite.
        network = mobilenet_v3_large(weights=None, norm_layer=nn.BatchNorm2d, reduced_tail=True)
    else:
        network = mobilenet_v3_small(weights=None, norm_layer=nn.BatchNorm2d)
    blocks = network.features
    last_stride = max(n for n, block in enumerate(blocks) if getattr(block, "_is_cn", False))
    extractor: nn.Module = SSDLiteFeatureExtractorMobileNet(blocks, last_stride, nn.BatchNorm2d)
    assert isinstance(extractor.extra, nn.ModuleList)
    extractor.extra = extractor.extra[: maps - 2]
    return extractor


def split_extractor(backbone: nn.Module) -> list[nn.Module]:
    """Return the layers of a backbone of make_extractor that can be frozen, in their order."""
    if isinstance(backbone, ResNetExtractor):
        return [each for each in backbone.layers() if not isinstance(each, nn.ReLU)]
    assert isinstance(backbone, SSDLiteFeatureExtractorMobileNet)
    return [layer for part in backbone.features for layer in part]
