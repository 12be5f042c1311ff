"""The three nets of the MTCNN cascade, filled with the weights of mtcnn 1.0.0.

Architecture: Zhang et al., Joint Face Detection and Alignment Using Multitask Cascaded
Convolutional Networks, 2016. All three take pictures [N, 3, H, W], float32, RGB,
(x - 127.5) / 128. Their face score is a logit: its sigmoid is the package's two-way softmax.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_det.errors import WeightsError

Arrays = Sequence[NDArray[np.float32]]


class PNet(nn.Module):
    """The proposal net: fully convolutional, one answer for every second 12 px window."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.heads = nn.Linear(32, 4 + 1)
        _fill(self, _fuse_heads(arrays, heads=2))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """[N, 3, H, W] -> edge offsets [N, h, w, 4] in parts of a window, logits [N, h, w]."""
        # "Same" pooling pads at the end only, which is what ceil does; it comes after the PReLU
        # because some slopes are negative.
        x = _pool(_bend(self.conv1(pictures), self.prelu1), 2, ceil=True)
        x = _bend(self.conv3(_bend(self.conv2(x), self.prelu2)), self.prelu3)
        cells = x.permute(0, 2, 3, 1)
        # The other way round, cells times weights, is four times slower for so few answers.
        answers = torch.addmm(
            self.heads.bias[:, None], self.heads.weight, cells.reshape(-1, cells.shape[-1]).T
        )
        answers = answers.view(-1, *cells.shape[:-1])
        return answers[:4].permute(1, 2, 3, 0), answers[4]


class RNet(nn.Module):
    """The refinement net: one answer for a crop of 24 x 24."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.fc4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.heads = nn.Linear(128, 4 + 1)
        _fill(self, _fuse_heads(arrays, heads=2))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """[N, 3, 24, 24] -> edge offsets [N, 4] in parts of the box, logits [N]."""
        x = _pool(_bend(self.conv1(crops), self.prelu1), 3, ceil=True)
        x = _pool(_bend(self.conv2(x), self.prelu2), 3)
        x = self.prelu4(self.fc4(_flatten(_bend(self.conv3(x), self.prelu3))))
        answers = self.heads(x)
        return answers[:, :4], answers[:, 4]


class ONet(nn.Module):
    """The output net: one answer and five landmarks for a crop of 48 x 48."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.fc5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.heads = nn.Linear(256, 4 + 10 + 1)
        _fill(self, _fuse_heads(arrays, heads=3))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[N, 3, 48, 48] -> edge offsets [N, 4], landmarks [N, 10], logits [N].

        Landmarks are five x, then five y, in parts of the box, in LANDMARK_NAMES's order.
        """
        x = _pool(_bend(self.conv1(crops), self.prelu1), 3, ceil=True)
        x = _pool(_bend(self.conv2(x), self.prelu2), 3)
        x = _pool(_bend(self.conv3(x), self.prelu3), 2, ceil=True)
        x = self.prelu5(self.fc5(_flatten(_bend(self.conv4(x), self.prelu4))))
        answers = self.heads(x)
        return answers[:, :4], answers[:, 4:14], answers[:, 14]


def _bend(maps: Tensor, prelu: nn.PReLU) -> Tensor:
    """PReLU on maps [N, C, H, W] in channels_last, the slopes laid out along whole rows.

    torch would go from pixel to pixel, C values at a time: ten times slower for P-Net's 10.
    """
    count, channels, height, width = maps.shape
    rows = maps.permute(0, 2, 3, 1).reshape(count * height, width * channels)
    bent = torch.prelu(rows, prelu.weight.expand(width, channels).reshape(-1))
    return bent.view(count, height, width, channels).permute(0, 3, 1, 2)


def _pool(maps: Tensor, window: int, ceil: bool = False) -> Tensor:
    """The largest of each window x window, every second one: [N, C, H, W] -> [N, C, h, w].

    As max_pool2d, which also notes where each was and, in channels_last, takes up to six times as
    long.  ceil: windows that reach over the end count too.
    """
    x = maps.permute(0, 2, 3, 1)
    for axis in (1, 2):
        count = (x.shape[axis] - window + ceil) // 2 + 1
        largest = _every_second(x, axis, 0, count).clone()
        for offset in range(1, window):
            other = _every_second(x, axis, offset, count)
            whole = largest.narrow(axis, 0, other.shape[axis])
            torch.maximum(whole, other, out=whole)
        x = largest
    return x.permute(0, 3, 1, 2)


def _every_second(x: Tensor, axis: int, start: int, count: int) -> Tensor:
    """At most `count` of x's slices along `axis`: start, start + 2, ..."""
    return x[(slice(None),) * axis + (slice(start, start + 2 * count - 1, 2),)]


def _flatten(maps: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, W * H * C], the order in which the fully connected layers were made."""
    return maps.permute(0, 3, 2, 1).flatten(1)


def _fuse_heads(arrays: Arrays, heads: int) -> list[NDArray[np.float32]]:
    """Join the last layers, the two-class one coming last, into one product that ends in a logit.

    Before: weight [..., out], bias [out] for each head.  After: one weight [in, outs], one bias.
    """
    backbone, tail = list(arrays[: -2 * heads]), arrays[-2 * heads :]
    weights, biases = list(tail[0::2]), list(tail[1::2])
    for parts in (weights, biases):
        not_face, face = parts[-1][..., :1], parts[-1][..., 1:]
        parts[-1] = face - not_face
    inputs = weights[0].shape[-2]
    fused = np.concatenate([weight.reshape(inputs, -1) for weight in weights], axis=1)
    return [*backbone, fused, np.concatenate(biases)]


def _fill(net: nn.Module, arrays: Arrays) -> None:
    """Put Keras's arrays into the layers, in order; WeightsError where they do not fit."""
    parameters = list(_parameters(net))
    wanted = [tuple(parameter.shape) for parameter in parameters]
    values = [_as_torch(array) for array in arrays]
    found = [value.shape for value in values]
    if found != wanted:
        raise WeightsError(
            f"{type(net).__name__} weights of shapes {found}",
            f"shapes {wanted}",
            "use the weights of mtcnn 1.0.0",
        )
    with torch.no_grad():
        for parameter, value in zip(parameters, values, strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))
    net.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _parameters(net: nn.Module) -> Iterator[nn.Parameter]:
    for layer in net.children():
        yield cast(nn.Parameter, layer.weight)
        if hasattr(layer, "bias"):
            yield cast(nn.Parameter, layer.bias)


def _as_torch(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """HWIO -> OIHW for convolutions, in x out -> out x in for products, flat for the rest."""
    if array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    # Slopes come as [1, 1, C] after convolutions and as [C] after products.
    return array.T if array.ndim == 2 else array.reshape(-1)
