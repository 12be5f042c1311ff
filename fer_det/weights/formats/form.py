"""What has to be known of a public form of weights, and the ways to find the layers in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from fer_det.config.model import Colour
from fer_det.weights.formats.network import CONVOLUTIONS, LAYERS, Stored, StoredLayer

Layout = Literal["OIHW", "HWIO"]
"""Of a kernel's axes; fully connected, (O, C H W) beside OIHW and (H W C, O) beside HWIO."""

Layers = Mapping[str, StoredLayer]
"""By the names of `fer_det.weights.formats.network.LAYERS`."""


@dataclass(frozen=True)
class Training:
    """What weights were trained on, and what their input looked like."""

    trained_on: str
    source: str
    licence: str
    classes: int
    image_mean: Colour
    """Subtracted from red, green and blue in 0..1."""
    image_std: Colour
    """What red, green and blue are divided by afterwards."""


@dataclass(frozen=True)
class Form:
    """One public form: where its layers are and which habits have to be turned."""

    name: str
    title: str
    container: str
    """Which reader opens it, of fer_det.weights.formats.containers."""
    layout: Layout
    channels: Literal["rgb", "bgr"]
    """The order in which conv1_1 reads colours."""
    training: Training
    pick: Callable[[Stored], Layers | None]
    """The layers of a file by their usual names, or None where it is no file of this form."""
    backbone_alone: bool = False
    """Whether it is also known without its fully connected layers."""


def by_name(stored: Stored) -> Layers | None:
    """Layers named conv1_1 ... fc8; None unless most of the backbone is there."""
    layers = {layer.name: layer for layer in stored.layers if layer.name in LAYERS}
    return layers if _is_most_of_a_backbone(layers) else None


def by_torchvision_name(stored: Stored) -> Layers | None:
    """Layers named features.0 ... classifier.6; None unless most of the backbone is there."""
    usual = dict(zip(TORCHVISION_NAMES, LAYERS, strict=True))
    layers = {usual[layer.name]: layer for layer in stored.layers if layer.name in usual}
    return layers if _is_most_of_a_backbone(layers) else None


def by_position(stored: Stored) -> Layers | None:
    """The layers in the file's order; None unless there are sixteen of them."""
    if len(stored.layers) != len(LAYERS):
        return None
    return dict(zip(LAYERS, stored.layers, strict=True))


TORCHVISION_NAMES = (*CONVOLUTIONS.values(), "classifier.0", "classifier.3", "classifier.6")


def _is_most_of_a_backbone(layers: Layers) -> bool:
    """A file that lacks a layer is still told what it is, and what it lacks."""
    return sum(name in layers for name in CONVOLUTIONS) > len(CONVOLUTIONS) // 2
