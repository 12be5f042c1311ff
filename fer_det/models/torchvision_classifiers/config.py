"""Settings of the classifiers whose networks are torchvision's, one class a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fer_det.config.model import ClassifierModelConfig, Colour

IMAGENET_MEAN: Colour = (0.485, 0.456, 0.406)
IMAGENET_STD: Colour = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class TorchvisionConfig(ClassifierModelConfig):
    """Settings of a classifier on a torchvision network."""

    image_mean: Colour = IMAGENET_MEAN
    """Mean of red, green and blue in 0..1, subtracted from the input; --init sets its own."""
    image_std: Colour = IMAGENET_STD
    """Standard deviation of red, green and blue in 0..1; the input is divided by it."""
    face_margin: float = 0.0
    """Margin of a face crop on each side, relative to the longer side of the face's box."""
    dropout: float = 0.0
    """Dropout before the last layer."""

    width: ClassVar[int] = 512
    layers: ClassVar[int] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.demand_range("dropout", 0, 0.95, "0 to 0.95")

    @property
    def feature_width(self) -> int:
        """Length of the feature vectors."""
        return self.width

    @property
    def freezable_layers(self) -> int:
        """Convolutions of VGG; of the others the first convolution and the blocks or stages."""
        return self.layers


@dataclass(frozen=True)
class ResNet18(TorchvisionConfig):
    """Settings of ResNet18."""

    name: str = "resnet18"
    """Model to build; an unknown name lists the known ones."""
    small_faces: bool = False
    """Let the first convolution keep the input's size, 3x3 and without max-pool, as for 32 px
    pictures; for faces of up to 64 px."""

    layers: ClassVar[int] = 9


@dataclass(frozen=True)
class EfficientNetConfig(TorchvisionConfig):
    """Settings of the EfficientNets."""

    same_padding: bool = False
    """Pad as TensorFlow does, more at the right and below, which weights from there need."""

    layers: ClassVar[int] = 9


@dataclass(frozen=True)
class EfficientNetB0(EfficientNetConfig):
    """Settings of EfficientNet-B0."""

    name: str = "efficientnet_b0"
    """Model to build; an unknown name lists the known ones."""
    dropout: float = 0.2
    """Dropout before the last layer."""

    width: ClassVar[int] = 1280


@dataclass(frozen=True)
class EfficientNetB2(EfficientNetConfig):
    """Settings of EfficientNet-B2."""

    name: str = "efficientnet_b2"
    """Model to build; an unknown name lists the known ones."""
    input_size: int = 260
    """Side of the square input in pixels; pictures are scaled into it."""
    dropout: float = 0.3
    """Dropout before the last layer."""

    width: ClassVar[int] = 1408


@dataclass(frozen=True)
class VGG13(TorchvisionConfig):
    """Settings of the VGG13 of FERPlus's authors."""

    name: str = "vgg13"
    """Model to build; an unknown name lists the known ones."""
    input_size: int = 64
    """Side of the square input in pixels; faces are scaled into it."""
    batch_norm: bool = False
    """Use batch normalisation in training, which its authors did not."""
    dropout: float = 0.5
    """Dropout before each of the last two layers."""

    size_multiple: ClassVar[int] = 16
    width: ClassVar[int] = 1024
    layers: ClassVar[int] = 10


@dataclass(frozen=True)
class VGG19(TorchvisionConfig):
    """Settings of VGG19 with one fully connected layer."""

    name: str = "vgg19"
    """Model to build; an unknown name lists the known ones."""
    input_size: int = 48
    """Side of the square input in pixels; faces are scaled into it."""
    dropout: float = 0.5
    """Dropout before the last layer."""

    size_multiple: ClassVar[int] = 16
    layers: ClassVar[int] = 16
