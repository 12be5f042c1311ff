"""VGG16's layers by the names that its authors gave them, and what a file holds of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.config.model import Colour

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
"""The backbone, in the order of computation, under the names of a weights file."""

HEAD: Mapping[str, str] = {"fc6": "classifier.0", "fc7": "classifier.3"}
"""What the detector's box head can start from."""

CANONICAL: Mapping[str, str] = {**CONVOLUTIONS, **HEAD}

CLASSES = "fc8"
"""The layer that tells the classes of the training apart."""

FULLY_CONNECTED = (*HEAD, CLASSES)
LAYERS = (*CONVOLUTIONS, *FULLY_CONNECTED)

FULL_WIDTH = 64
"""Of conv1_1; all else is a multiple of it."""
FULL_HEAD = 4096
"""Of fc6 and fc7."""
POOLED_SIDE = 7
"""fc6 sees 7 x 7 places."""

_MULTIPLES = (1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 8, 8, 8)


@dataclass(frozen=True)
class StoredLayer:
    """One layer as a file holds it: layout, order and type are still the file's."""

    name: str
    weight: NDArray[Any]
    bias: NDArray[Any]


@dataclass(frozen=True)
class Stored:
    """All layers with weights that a file holds, in the file's order."""

    container: str
    """Which reader opened it, of fer_det.weights.formats.containers."""
    layers: tuple[StoredLayer, ...]
    mean: Colour | None = None
    """Mean colour in 0..255 that the file states, red green blue."""


def kernel_side(layer: str) -> int:
    """Side of a layer's kernel, fully connected layers taken as convolutions."""
    return 3 if layer in CONVOLUTIONS else POOLED_SIDE if layer == "fc6" else 1


def weight_shapes(width: int, head: int, classes: int) -> dict[str, tuple[int, ...]]:
    """Each layer's shape: (O, I, 3, 3) in the backbone and (O, I) above it.

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
    """Weights and biases of the layers with these shapes."""
    return sum(int(np.prod(shape)) + shape[0] for shape in shapes.values())
