"""VGG16's layers by the names that its authors gave them, and how a file stores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.config.model import Colour
from fer_det.errors import ConfigError, WeightsError

CONVOLUTIONS: Mapping[str, str] = {
    "conv1_1": "features.0",
    "conv1_2": "features.2",
    "conv2_1": "features.5",
    "conv2_2": "features.7",
    "conv3_1": "features.10",
    "conv3_2": "features.12",
    "conv3_3": "features.14",
    "conv4_1": "features.17",
    "conv4_2": "features.19",
    "conv4_3": "features.21",
    "conv5_1": "features.24",
    "conv5_2": "features.26",
    "conv5_3": "features.28",
}
"""The backbone in the order of computation -> torchvision's names, which our weights files use."""

HEAD: Mapping[str, str] = {"fc6": "classifier.0", "fc7": "classifier.3"}
"""The layers with which the detector's box head can start."""

CANONICAL: Mapping[str, str] = {**CONVOLUTIONS, **HEAD}

CLASSES = "fc8"
"""The layer whose rows are the classes of the original training."""

FULLY_CONNECTED = (*HEAD, CLASSES)
LAYERS = (*CONVOLUTIONS, *FULLY_CONNECTED)
TORCHVISION_NAMES = (*CONVOLUTIONS.values(), "classifier.0", "classifier.3", "classifier.6")
"""torchvision's names of LAYERS, in the same order."""

FULL_WIDTH = 64
"""Channels of conv1_1; those of all other convolutions are multiples of it."""
FULL_HEAD = 4096
"""Width of fc6 and fc7."""
POOLED_SIDE = 7
"""fc6 reads a map of 7 x 7 places."""

_MULTIPLES = (1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 8, 8, 8)


@dataclass(frozen=True)
class StoredLayer:
    """One layer as a file stores it: axes, order and type are still the file's."""

    name: str
    weight: NDArray[Any]
    bias: NDArray[Any]


@dataclass(frozen=True)
class StoredWeights:
    """All layers with a weight and a bias that a file holds, in the file's order."""

    layers: tuple[StoredLayer, ...]
    mean: Colour | None = None
    """The mean colour that the file states, red green blue in 0..255."""


def kernel_side(layer: str) -> int:
    """Side of a layer's kernel, where a fully connected layer counts as a convolution."""
    return 3 if layer in CONVOLUTIONS else POOLED_SIDE if layer == "fc6" else 1


def weight_shapes(width: int, head: int, classes: int) -> dict[str, tuple[int, ...]]:
    """The shape of each layer's weight: (O, I, 3, 3) in the backbone and (O, I) above it.

    width: channels of conv1_1, 64 in VGG16; head: width of fc6 and fc7, 4096 in VGG16.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    below = 3
    for layer, multiple in zip(CONVOLUTIONS, _MULTIPLES, strict=True):
        shapes[layer] = (multiple * width, below, 3, 3)
        below = multiple * width
    shapes["fc6"] = (head, below * POOLED_SIDE**2)
    shapes["fc7"] = (head, head)
    shapes[CLASSES] = (classes, head)
    return shapes


def count_parameters(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Number of weights and biases of layers with these weight shapes."""
    return sum(int(np.prod(shape)) + shape[0] for shape in shapes.values())


def broken_file(path: Path, kind: str, reason: object) -> WeightsError:
    """The error for a file that begins as its kind does but cannot be read to its end."""
    return WeightsError(
        f"{path} is a truncated or broken {kind} ({reason})",
        "a complete file of weights",
        "download it again",
    )


def missing_package(path: Path, package: str) -> ConfigError:
    """The error where the package that reads a kind of file is not installed."""
    return ConfigError(
        f"{path} needs the package {package}, which is not installed",
        "the packages of the extra 'weights'",
        "run: pip install 'fer_det[weights]'",
    )
