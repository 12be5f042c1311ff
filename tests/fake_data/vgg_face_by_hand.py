"""VGG-Face's answers computed by NumPy, in the conventions of those who published it."""

from __future__ import annotations

import numpy as np
from fake_data.vgg_face import CONVOLUTIONS, MEAN, POOLED_AFTER, Network
from numpy.typing import NDArray

Array = NDArray[np.float64]


def subtract_mean(pixels: NDArray[np.uint8], blue_first: bool) -> Array:
    """[H, W, 3] red first in 0..255 -> VGG-Face's input, [H, W, 3]."""
    red, green, blue = (pixels[..., n].astype(np.float64) - MEAN[n] for n in range(3))
    return np.stack([blue, green, red] if blue_first else [red, green, blue], axis=-1)


def rows_first(network: Network, pixels: Array) -> Array:
    """fc7's answer as Keras and MatConvNet compute it: [H, W, C] and kernels (H, W, I, O)."""
    features = pixels
    for name in CONVOLUTIONS:
        weight, bias = network[name]
        height, width = features.shape[:2]
        padded = np.pad(features, ((1, 1), (1, 1), (0, 0)))
        total = np.zeros((height, width, weight.shape[3])) + bias
        for row in range(3):
            for column in range(3):
                seen = padded[row : row + height, column : column + width]
                total += seen @ weight[row, column].astype(np.float64)
        features = np.maximum(total, 0)
        if name in POOLED_AFTER:
            shape = (height // 2, 2, width // 2, 2, -1)
            features = features.reshape(shape).max(axis=(1, 3))
    for name in ("fc6", "fc7"):
        weight, bias = network[name]
        # In the order H, W, C.
        features = np.maximum(features.reshape(-1) @ weight.reshape(features.size, -1) + bias, 0)
    return features


def channels_first(network: Network, pixels: Array) -> Array:
    """fc7's answer as Caffe and PyTorch compute it: [C, H, W] and kernels (O, I, H, W)."""
    features = np.moveaxis(pixels, 2, 0)
    for name in CONVOLUTIONS:
        weight, bias = network[name]
        height, width = features.shape[1:]
        padded = np.pad(features, ((0, 0), (1, 1), (1, 1)))
        total = np.zeros((len(weight), height, width)) + bias[:, None, None]
        for row in range(3):
            for column in range(3):
                seen = padded[:, row : row + height, column : column + width]
                taps = weight[:, :, row, column].astype(np.float64)
                total += (taps @ seen.reshape(len(seen), -1)).reshape(total.shape)
        features = np.maximum(total, 0)
        if name in POOLED_AFTER:
            shape = (-1, height // 2, 2, width // 2, 2)
            features = features.reshape(shape).max(axis=(2, 4))
    for name in ("fc6", "fc7"):
        weight, bias = network[name]
        # In the order C, H, W.
        features = np.maximum(weight.astype(np.float64) @ features.reshape(-1) + bias, 0)
    return features
