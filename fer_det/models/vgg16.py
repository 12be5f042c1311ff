"""VGG16's trunk, plain or with batch normalisation that can be folded away afterwards.

Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015.
Layers carry torchvision's numbers (features.0 ... features.28) in both forms, so that weights move
between them by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torchvision.models import vgg

from fer_det.models.batch_norm import GlobalBatchNorm2d

STRIDE = 16
OUT_CHANNELS = 512


class NormalisedConv2d(nn.Conv2d):
    """A convolution followed by batch normalisation, which `fold_batch_norm` melts into it."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=3, padding=1)
        self.norm = GlobalBatchNorm2d(out_channels)

    def forward(self, input: Tensor) -> Tensor:
        """[B, C_in, H, W] -> [B, C_out, H, W]."""
        return cast(Tensor, self.norm(super().forward(input)))


def vgg16_trunk(batch_norm: bool) -> nn.Sequential:
    """VGG16's thirteen convolutions without the last pool: [B, 3, H, W] -> [B, 512, H/16, W/16].

    The last max-pool is left out so that the stride is 16, as Faster R-CNN wants it.
    """
    layers = list(vgg.make_layers(vgg.cfgs["D"]).children())[:-1]
    if batch_norm:
        layers = [
            NormalisedConv2d(layer.in_channels, layer.out_channels)
            if isinstance(layer, nn.Conv2d)
            else layer
            for layer in layers
        ]
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(cast(Tensor, layer.bias))
    return nn.Sequential(*layers)


def fold_batch_norm(state: Mapping[str, Tensor], eps: float = 1e-5) -> dict[str, Tensor]:
    """Melt every `X.norm` of a state dict into the convolution `X`: the same function, plain.

    In evaluation norm(w * x + b) = (g w) * x + g (b - mean) + beta, g = gamma / sqrt(var + eps).
    """
    folded = {name: tensor for name, tensor in state.items() if ".norm." not in name}
    for name in [name for name in state if name.endswith(".norm.running_var")]:
        conv = name.removesuffix(".norm.running_var")
        gain = state[f"{conv}.norm.weight"].double() * torch.rsqrt(state[name].double() + eps)
        shift = state[f"{conv}.bias"].double() - state[f"{conv}.norm.running_mean"].double()
        bias = gain * shift + state[f"{conv}.norm.bias"].double()
        weight = state[f"{conv}.weight"]
        folded[f"{conv}.weight"] = (gain[:, None, None, None] * weight.double()).to(weight.dtype)
        folded[f"{conv}.bias"] = bias.to(weight.dtype)
    return folded
