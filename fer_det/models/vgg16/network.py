"""VGG16's backbone and fully connected layers, and the contract of the models that use them.

Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015.
Layers have torchvision's numbers (features.0 ... features.28) with and without batch normalisation,
so weights are exchanged by name.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import vgg

from fer_det.config.model import ModelConfig
from fer_det.errors import ConfigError, WeightsError
from fer_det.models.contract import FaceModel
from fer_det.models.layers import NormalisedConv2d
from fer_det.models.sampling import PictureDropout, PictureRandom
from fer_det.models.vgg16 import VGG16Config

STRIDE = 16
OUT_CHANNELS = 512

_OVERSAMPLING = 16
"""Additional singular vectors of the randomised SVD, which make the wanted ones exact enough."""
_ITERATIONS = 6


def vgg16_features(batch_norm: bool) -> nn.Sequential:
    """VGG16's thirteen convolutions without the last pool: [B, 3, H, W] -> [B, 512, H/16, W/16].

    The last max-pool is left out so that the stride is 16, as in Faster R-CNN.
    """
    layers = list(vgg.make_layers(vgg.cfgs["D"]).children())[:-1]
    if batch_norm:
        layers = [
            NormalisedConv2d(layer.in_channels, layer.out_channels, kernel_size=3, padding=1)
            if isinstance(layer, nn.Conv2d)
            else layer
            for layer in layers
        ]
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(cast(Tensor, layer.bias))
    return nn.Sequential(*layers)


class VGG16Backbone(nn.Module):
    """VGG16's features as one map, under torchvision's names: backbone.features.0 ..."""

    out_channels = OUT_CHANNELS

    def __init__(self, batch_norm: bool) -> None:
        super().__init__()
        self.features = vgg16_features(batch_norm)

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """[B, 3, H, W] -> {"0": [B, 512, H/16, W/16]}."""
        return OrderedDict([("0", self.features(images))])


class BoxHead(nn.Module):
    """fc6 and fc7 on the pooled features of each box, whole or low-rank."""

    def __init__(self, channels: int, config: VGG16Config, random: PictureRandom) -> None:
        super().__init__()
        width, rank = config.head_width, config.head_rank
        self.fc6 = linear(channels * config.pooling_size**2, width, rank)
        self.fc7 = linear(width, width, rank)
        self.dropout = PictureDropout(config.dropout, random)
        for layer in (self.fc6, self.fc7):
            initialise(layer)

    def forward(self, pooled: Tensor, counts: list[int]) -> Tensor:
        """pooled [R, C, P, P], `counts` rows for each picture -> [R, width]."""
        features: Tensor = self.dropout(self.before_dropout(pooled, counts), counts)
        return features

    def before_dropout(self, pooled: Tensor, counts: list[int]) -> Tensor:
        """Return fc7's output before its dropout."""
        hidden = self.dropout(F.relu(self.fc6(pooled.flatten(1))), counts)
        return F.relu(self.fc7(hidden))


class VGG16Model(FaceModel):
    """The contract of the models on a VGG16Backbone, with a BoxHead in `roi_heads.box_head`."""

    published_prefixes = {  # noqa: RUF012  (a constant)
        "features.": "backbone.features.",
        "classifier.0.": "roi_heads.box_head.fc6.",
        "classifier.3.": "roi_heads.box_head.fc7.",
    }
    """torchvision's names for vgg16."""
    head_prefixes = ("roi_heads.box_head.",)

    def backbone_layers(self) -> list[nn.Module]:
        """Return the thirteen convolutions."""
        assert isinstance(self.backbone, VGG16Backbone)
        return [layer for layer in self.backbone.features if isinstance(layer, nn.Conv2d)]

    def truncated(self, rank: int) -> tuple[dict[str, Tensor], ModelConfig]:
        """Return state dict and config of the same model with fc6 and fc7 of that rank."""
        config = self.config
        assert isinstance(config, VGG16Config)
        if config.head_rank is not None:
            raise WeightsError(
                f"--weights with a head of rank {config.head_rank}",
                "a model file with whole layers",
                "name the file that it was made from",
            )
        if rank >= config.head_width:
            wanted = f"less than the head's width, {config.head_width}"
            raise ConfigError(f"--rank {rank}", wanted, "change the flag")
        state: dict[str, Tensor] = self.state_dict()
        for layer in ("fc6", "fc7"):
            state = truncate(state, f"roi_heads.box_head.{layer}", rank)
        return state, replace(config, head_rank=rank)


def linear(inputs: int, outputs: int, rank: int | None = None) -> nn.Module:
    """Return a linear layer; with a rank, two thin ones, the first without bias."""
    if rank is None:
        return nn.Linear(inputs, outputs)
    return nn.Sequential(nn.Linear(inputs, rank, bias=False), nn.Linear(rank, outputs))


def initialise(layer: nn.Module) -> None:
    """Give the result of `linear` random weights for a ReLU after it."""
    for thin in layer.modules():
        if isinstance(thin, nn.Linear):
            is_last = thin.bias is not None
            nn.init.kaiming_normal_(thin.weight, nonlinearity="relu" if is_last else "linear")
            if is_last:
                nn.init.zeros_(thin.bias)


def truncate(state: Mapping[str, Tensor], layer: str, rank: int) -> dict[str, Tensor]:
    """Return a state dict whose `layer`, weight [O, I], is replaced by the nearest of that rank.

    Only the largest singular values of W = U S V^T are kept (Girshick, "Fast R-CNN", 2015, section
    3.1). With rank min(O, I) or more it is the same function to rounding. The same input gives the
    same bytes on one machine.
    """
    weight = state[f"{layer}.weight"].float()
    directions = min(rank + _OVERSAMPLING, *weight.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        left, values, right = torch.svd_lowrank(weight, directions, _ITERATIONS)
    # The root of each value goes to either side, so that both layers' weights stay near 1.
    share = values[:rank].sqrt()
    thin = {name: tensor for name, tensor in state.items() if not name.startswith(f"{layer}.")}
    thin[f"{layer}.0.weight"] = share[:, None] * right[:, :rank].T
    thin[f"{layer}.1.weight"] = left[:, :rank] * share
    thin[f"{layer}.1.bias"] = state[f"{layer}.bias"].clone()
    return thin
