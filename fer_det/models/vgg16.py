"""VGG16's backbone, plain or with batch normalisation that can be folded away afterwards.

Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015.
Layers carry torchvision's numbers (features.0 ... features.28) in both forms, so that weights move
between them by name.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
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


def vgg16_features(batch_norm: bool) -> nn.Sequential:
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


class VGG16Backbone(nn.Module):
    """VGG16's features as one map, under torchvision's names: backbone.features.0 ..."""

    out_channels = OUT_CHANNELS

    def __init__(self, features: nn.Sequential) -> None:
        super().__init__()
        self.features = features
        self._frozen: list[nn.Conv2d] = []

    def freeze(self, convolutions: int) -> None:
        """Keep the first so many convolutions as they are while the others are trained.

        Their batch normalisation is fixed too: gain and shift stay, and in training as in
        evaluation it goes by the statistics that it has.
        """
        layers = [layer for layer in self.features if isinstance(layer, nn.Conv2d)]
        self._frozen = layers[:convolutions]
        for layer in self._frozen:
            layer.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> VGG16Backbone:
        """Switch between training and evaluation; what is frozen stays in evaluation."""
        super().train(mode)
        for layer in self._frozen:
            layer.eval()
        return self

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """[B, 3, H, W] -> {"0": [B, 512, H/16, W/16]}."""
        return OrderedDict([("0", self.features(images))])


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


@torch.no_grad()
def insert_batch_norm(
    backbone: nn.Sequential, plain: Mapping[str, Tensor], batches: Iterable[Tensor]
) -> None:
    """Make a normalised backbone the function of a plain one: `fold_batch_norm` the other way.

    plain: state dict of `vgg16_features(batch_norm=False)`; batches: pictures [B, 3, H, W], normalised
    as the backbone wants them. Each norm takes the mean and variance that its convolution has on these
    pictures, and as shift and gain the same mean and deviation. So it changes nothing, in
    evaluation to rounding and in training as far as a batch is like these pictures, and what is
    trained from here begins at the plain backbone's function.
    """
    backbone.load_state_dict(plain, strict=False)
    moments = _output_moments(plain, batches)
    for number, layer in enumerate(backbone):
        if isinstance(layer, NormalisedConv2d):
            mean, variance = moments[number]
            norm = layer.norm
            values = {
                "running_mean": mean,
                "running_var": variance,
                "bias": mean,
                "weight": (variance + norm.eps).sqrt(),
            }
            norm.load_state_dict({name: v.float() for name, v in values.items()}, strict=False)


def _output_moments(
    plain: Mapping[str, Tensor], batches: Iterable[Tensor]
) -> dict[int, tuple[Tensor, Tensor]]:
    """Mean and variance [C], float64, of each convolution's output, by the layer's number."""
    network = vgg16_features(batch_norm=False).to(memory_format=torch.channels_last)
    network.load_state_dict(plain)
    convolutions = [n for n, layer in enumerate(network) if isinstance(layer, nn.Conv2d)]
    # A count, a sum and a sum of squares, in double, where cancelling loses nothing.
    sums = {number: [torch.zeros((), dtype=torch.float64)] * 3 for number in convolutions}
    for batch in batches:
        features = batch
        for number, layer in enumerate(network):
            features = layer(features)
            if number in sums:
                wide = features.double()
                count, total, squares = sums[number]
                sums[number] = [
                    count + wide.numel() // wide.shape[1],
                    total + wide.sum((0, 2, 3)),
                    squares + wide.square().sum((0, 2, 3)),
                ]
    moments = {}
    for number, (count, total, squares) in sums.items():
        mean = total / count
        moments[number] = mean, (squares / count - mean.square()).clamp(min=0)
    return moments
