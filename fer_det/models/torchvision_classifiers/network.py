"""Classifiers on torchvision's networks, without their weights and their last layers.

ResNet18: He et al., "Deep residual learning for image recognition", CVPR 2016. EfficientNet: Tan
and Le, ICML 2019; without stochastic depth, whose random numbers are not a picture's own. VGG19:
Simonyan and Zisserman, 2015, with one fully connected layer, as small faces leave it one cell.
VGG13: Barsoum et al., "Training deep networks for facial expression recognition with crowd-sourced
label distribution", ICMI 2016, in red, green and blue, and without dropout between convolutions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import efficientnet_b0, efficientnet_b2, resnet18, vgg

from fer_det.losses.softmax import Softmax
from fer_det.models.contract import FaceModel
from fer_det.models.crop_classifier import CropClassifier
from fer_det.models.layers import merge_norms
from fer_det.models.torchvision_classifiers.config import (
    VGG13,
    EfficientNetConfig,
    ResNet18,
    TorchvisionConfig,
)

FERPLUS_VGG13: list[str | int] = [
    *(64, 64, "M", 128, 128, "M"),
    *(256, 256, 256, "M", 256, 256, 256, "M"),
]
"""Channels of convolutions, and M for max-pool, as torchvision's vgg.make_layers takes them."""


def resnet18_backbone(small_faces: bool = False) -> nn.Sequential:
    """ResNet18 up to its last map: [B, 3, H, W] -> [B, 512, H/32, W/32]; H/8, W/8 for small faces.

    Layers are numbered: 0 is the first convolution, 4 to 7 are the stages of two blocks.
    """
    network = resnet18(weights=None)
    if small_faces:
        network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
        network.maxpool = nn.Identity()
    return nn.Sequential(*list(network.children())[:-2])


def residual_layers(backbone: nn.Module) -> list[nn.Module]:
    """Return the first convolution and the eight blocks of `resnet18_backbone`."""
    assert isinstance(backbone, nn.Sequential)
    return [backbone[0], *(block for stage in backbone[4:] for block in stage.children())]


def _resnet18(config: TorchvisionConfig) -> nn.Module:
    assert isinstance(config, ResNet18)
    return resnet18_backbone(config.small_faces)


def _vgg(layers: list[str | int]) -> Callable[[TorchvisionConfig], nn.Module]:
    def build_features(_: TorchvisionConfig) -> nn.Module:
        features: nn.Sequential = vgg.make_layers(layers, batch_norm=True)
        for layer in features.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)
        return features

    return build_features


BACKBONES: dict[str, Callable[[TorchvisionConfig], nn.Module]] = {
    "resnet18": _resnet18,
    "efficientnet_b0": lambda _: efficientnet_b0(weights=None, stochastic_depth_prob=0.0).features,
    "efficientnet_b2": lambda _: efficientnet_b2(weights=None, stochastic_depth_prob=0.0).features,
    "vgg13": _vgg(FERPLUS_VGG13),
    "vgg19": _vgg(vgg.cfgs["E"]),
}
"""By the model's name: settings -> a network [B, 3, S, S] -> [B, width, h, w], normalisation in
layers of its own."""


class TorchvisionClassifier(CropClassifier):
    """See CropClassifier; `backbone` is the network up to its last map."""

    def __init__(self, config: TorchvisionConfig, classes: Sequence[str], loss: nn.Module) -> None:
        """loss: one of fer_det.losses."""
        super().__init__(config, classes, loss, config.dropout)
        self.backbone = BACKBONES[config.name](config)
        merge_norms(self.backbone, config.batch_norm)
        if isinstance(config, EfficientNetConfig) and config.same_padding:
            _pad_as_tensorflow(self.backbone)

    def backbone_layers(self) -> list[nn.Module]:
        """See FaceModel."""
        assert isinstance(self.backbone, nn.Sequential)
        if isinstance(self.config, ResNet18):
            return residual_layers(self.backbone)
        if isinstance(self.config, EfficientNetConfig):
            return list(self.backbone)
        return [layer for layer in self.backbone if isinstance(layer, nn.Conv2d)]


class VGG13Classifier(TorchvisionClassifier):
    """VGG13 with its two fully connected layers of 1,024 before the last one."""

    head_prefixes = ("class_score", "fc")

    def __init__(self, config: VGG13, classes: Sequence[str], loss: nn.Module) -> None:
        """loss: one of fer_det.losses."""
        super().__init__(config, classes, loss)
        self.fc1 = nn.Linear(256 * (config.input_size // 16) ** 2, config.width)
        self.fc2 = nn.Linear(config.width, config.width)
        for layer in (self.fc1, self.fc2):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def classify(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised crops [B, 3, S, S] -> features [B, 1024] and logits [B, C]."""
        counts = [1] * len(batch)
        hidden = self._dropout(F.relu(self.fc1(self.backbone(batch).flatten(1))), counts)
        features = F.relu(self.fc2(hidden))
        features = features.to(torch.promote_types(features.dtype, torch.float32))
        return features, self.class_score(self._dropout(features, counts))


def build(
    config: TorchvisionConfig, classes: Sequence[str], loss: nn.Module | None = None
) -> FaceModel:
    """Build the classifier with random weights, in channels_last.

    loss: one of fer_det.losses, softmax by default.
    """
    chosen = loss if loss is not None else Softmax()
    if isinstance(config, VGG13):
        return VGG13Classifier(config, classes, chosen).to(memory_format=torch.channels_last)
    return TorchvisionClassifier(config, classes, chosen).to(memory_format=torch.channels_last)


def _pad_as_tensorflow(network: nn.Module) -> None:
    """Let convolutions of stride 2 pad so that ceil(size / 2) is left, the odd pixel at the end."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and layer.stride[0] > 1:
            layer.padding = (0, 0)
            layer.register_forward_pre_hook(_pad)


def _pad(layer: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
    assert isinstance(layer, nn.Conv2d)
    (pixels,) = inputs
    sides: list[int] = []
    for axis in (1, 0):  # F.pad begins with the last axis.
        size, kernel, stride = pixels.shape[2 + axis], layer.kernel_size[axis], layer.stride[axis]
        missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        sides += [missing // 2, missing - missing // 2]
    return F.pad(pixels, sides)
