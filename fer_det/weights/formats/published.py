"""The published files of VGG16's weights: one WeightFormat for each.

Files of the same network differ in four things: the order of a kernel's axes, the order of colours
that conv1_1 reads, the shape of fc6, and how layers are named. All of it is stated here, and
convert.py applies it. Sources are in weights/README.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fer_det.config.model import Colour
from fer_det.weights.formats.layers import (
    CONVOLUTIONS,
    FULLY_CONNECTED,
    LAYERS,
    TORCHVISION_NAMES,
    StoredLayer,
    StoredWeights,
)

Reader = Literal["pytorch", "keras", "matlab", "caffe"]
"""The module of this package that reads a kind of file."""

Layout = Literal["OIHW", "HWIO"]
"""Order of a kernel's axes; a matrix is (O, C H W) beside OIHW and (H W C, O) beside HWIO."""

Layers = Mapping[str, StoredLayer]
"""Stored layers by their names in LAYERS."""


@dataclass(frozen=True)
class Training:
    """What weights were trained on, and the input that they expect."""

    trained_on: str
    source: str
    licence: str
    classes: int
    image_mean: Colour
    """Subtracted from red, green and blue in 0..1."""
    image_std: Colour
    """By which red, green and blue are divided afterwards."""


@dataclass(frozen=True)
class WeightFormat:
    """How one published file stores VGG16."""

    name: str
    title: str
    reader: Reader
    layout: Layout
    channels: Literal["rgb", "bgr"]
    """Order of colours that conv1_1 reads."""
    training: Training
    pick: Callable[[StoredWeights], Layers | None]
    """Find the layers by their names in LAYERS; None where the file has another format."""
    may_lack_head: bool = False
    """Whether a file without any fully connected layer has this format, too."""


def _pick_by_name(stored: StoredWeights) -> Layers | None:
    """Layers named conv1_1 ... fc8."""
    return _if_mostly_there({layer.name: layer for layer in stored.layers if layer.name in LAYERS})


def _pick_keras_vggface(stored: StoredWeights) -> Layers | None:
    layers = _pick_by_name(stored)
    if layers is None:
        return None
    # With convolutions instead, it is another file, whose order of colours is unknown.
    matrices = (layers[name].weight.ndim == 2 for name in FULLY_CONNECTED if name in layers)
    return layers if all(matrices) else None


def _pick_by_position(stored: StoredWeights) -> Layers | None:
    """Sixteen convolutions with the names that Keras makes up, conv2d_1, conv2d_2 and so on."""
    made_up = all(re.fullmatch(r"conv(olution)?2d(_\d+)?", layer.name) for layer in stored.layers)
    convolutions = all(layer.weight.ndim == 4 for layer in stored.layers)
    if not (made_up and convolutions and len(stored.layers) == len(LAYERS)):
        return None
    return dict(zip(LAYERS, stored.layers, strict=True))


def _pick_torchvision(stored: StoredWeights) -> Layers | None:
    layers = _by_torchvision_name(stored)
    return None if layers is None or _has_empty_head(layers) else layers


def _pick_torchvision_features(stored: StoredWeights) -> Layers | None:
    layers = _by_torchvision_name(stored)
    if layers is None or not _has_empty_head(layers):
        return None
    return {name: layer for name, layer in layers.items() if name in CONVOLUTIONS}


def _by_torchvision_name(stored: StoredWeights) -> Layers | None:
    """Layers named features.0 ... classifier.6."""
    usual = dict(zip(TORCHVISION_NAMES, LAYERS, strict=True))
    return _if_mostly_there(
        {usual[layer.name]: layer for layer in stored.layers if layer.name in usual}
    )


def _has_empty_head(layers: Layers) -> bool:
    """Whether fc6 is filled with NaN, as in torchvision's file of features alone."""
    return "fc6" in layers and bool(np.isnan(layers["fc6"].bias).any())


def _if_mostly_there(layers: Layers) -> Layers | None:
    """A file that lacks a few layers keeps its format, so that the error can name these layers."""
    found = sum(name in layers for name in CONVOLUTIONS)
    return layers if found > len(CONVOLUTIONS) // 2 else None


VGG_FACE = Training(
    trained_on="2.6 million photos of 2,622 people",
    source="VGG-Face: Parkhi, Vedaldi, Zisserman, Deep face recognition, BMVC 2015",
    licence="CC BY-NC, for research",
    classes=2622,
    # The mean colour was subtracted in 0..255, and nothing was divided.
    image_mean=(129.1863 / 255, 104.7624 / 255, 93.5940 / 255),
    image_std=(1 / 255, 1 / 255, 1 / 255),
)

_IMAGENET = "ImageNet, 1.3 million photos of 1,000 classes"
_IMAGENET_LICENCE = "BSD-3-Clause; ImageNet's photos are for research"

IMAGENET = Training(
    trained_on=_IMAGENET,
    source="torchvision, VGG16_Weights.IMAGENET1K_V1",
    licence=_IMAGENET_LICENCE,
    classes=1000,
    image_mean=(0.485, 0.456, 0.406),
    image_std=(0.229, 0.224, 0.225),
)

IMAGENET_FEATURES = Training(
    trained_on=_IMAGENET,
    source="torchvision, VGG16_Weights.IMAGENET1K_FEATURES",
    licence=_IMAGENET_LICENCE,
    classes=1000,
    # Trained in Caffe: the mean colour was subtracted in 0..255, and nothing was divided.
    image_mean=(0.48235, 0.45882, 0.40784),
    image_std=(1 / 255, 1 / 255, 1 / 255),
)

WEIGHT_FORMATS: tuple[WeightFormat, ...] = (
    # fc6 over C, H, W; layers by name.
    WeightFormat(
        name="vgg_face_caffe",
        title="VGG-Face for Caffe (VGG_FACE.caffemodel)",
        reader="caffe",
        layout="OIHW",
        channels="bgr",
        training=VGG_FACE,
        pick=_pick_by_name,
    ),
    # Also vgg-face.mat; fc6 is a convolution of 7 x 7 x 512 x 4096; layers by name.
    WeightFormat(
        name="vgg_face_matconvnet",
        title="VGG-Face for MatConvNet (vgg_face.mat)",
        reader="matlab",
        layout="HWIO",
        channels="rgb",
        training=VGG_FACE,
        pick=_pick_by_name,
    ),
    # Converted from MatConvNet's by its author, so it reads red first; layers by name.
    WeightFormat(
        name="vgg_face_dag",
        title="VGG-Face for PyTorch (vgg_face_dag.pth)",
        reader="pytorch",
        layout="OIHW",
        channels="rgb",
        training=VGG_FACE,
        pick=_pick_by_name,
    ),
    # Also ..._notop_vgg16.h5, without fc6, fc7 and fc8. fc6 is a matrix over H, W, C. The package
    # keras-vggface turns pictures to blue, green, red before its network.
    WeightFormat(
        name="vgg_face_rcmalli",
        title="VGG-Face for Keras (rcmalli_vggface_tf_vgg16.h5)",
        reader="keras",
        layout="HWIO",
        channels="bgr",
        training=VGG_FACE,
        pick=_pick_keras_vggface,
        may_lack_head=True,
    ),
    # Of the package deepface, which passes pictures blue first. Layers by position, all of them
    # convolutions.
    WeightFormat(
        name="vgg_face_deepface",
        title="VGG-Face of deepface (vgg_face_weights.h5)",
        reader="keras",
        layout="HWIO",
        channels="bgr",
        training=VGG_FACE,
        pick=_pick_by_position,
    ),
    # vgg16-397923af.pth; layers by torchvision's names.
    WeightFormat(
        name="imagenet_torchvision",
        title="torchvision's VGG16 from ImageNet",
        reader="pytorch",
        layout="OIHW",
        channels="rgb",
        training=IMAGENET,
        pick=_pick_torchvision,
    ),
    # vgg16_features-amdegroot-88682ab5.pth; the same names, another mean, fc layers full of NaN.
    WeightFormat(
        name="imagenet_features",
        title="torchvision's VGG16 features from ImageNet by way of Caffe",
        reader="pytorch",
        layout="OIHW",
        channels="rgb",
        training=IMAGENET_FEATURES,
        pick=_pick_torchvision_features,
        may_lack_head=True,
    ),
)
