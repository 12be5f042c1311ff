"""RoIAlign as two matrix products, for the small feature maps of faces.

He et al., "Mask R-CNN", 2017. The average over a bin of bilinear samples is linear in the feature
map, and its weights are a product of one factor in y and one in x. On a map of a few hundred cells
the dense product costs a few per cent of the backbone, uses all cores and the processor's bfloat16
units in both directions, and adds in a fixed order; torchvision's kernel takes float32 only, and
its backward pass runs on one core (on a GPU, in random order).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import roi_align

MOST_CELLS = 1024
"""Larger feature maps go to torchvision's kernel: the dense weights would outgrow the map."""


def align_rois(
    features: Tensor, boxes: list[Tensor], output: int, stride: int, samples: int
) -> Tensor:
    """Pool each box into output x output bins of samples x samples bilinear samples each.

    features [B, C, H, W]; boxes: B tensors [R_i, 4] in input pixels -> [sum(R_i), C, output,
    output]. The same numbers as torchvision.ops.roi_align with aligned=True, to rounding.
    """
    height, width = features.shape[-2:]
    if height * width > MOST_CELLS:
        rois = [of_picture.float() for of_picture in boxes]
        exact: Tensor = roi_align(features.float(), rois, output, 1 / stride, samples, aligned=True)
        return exact
    counts = [len(of_picture) for of_picture in boxes]
    padded = torch.nn.utils.rnn.pad_sequence([b.float() for b in boxes], batch_first=True)
    weights_y = _axis_weights(padded[..., 1::2] / stride - 0.5, height, output, samples)
    weights_x = _axis_weights(padded[..., 0::2] / stride - 0.5, width, output, samples)
    # [B, R, output, 1, H, 1] * [B, R, 1, output, 1, W] -> [B, R * output^2, H * W]
    weights = weights_y[..., :, None, :, None] * weights_x[..., None, :, None, :]
    pictures, most = padded.shape[:2]
    weights = weights.reshape(pictures, most * output**2, height * width).to(features.dtype)
    pooled = features.flatten(2) @ weights.mT
    pooled = pooled.view(pictures, features.shape[1], most, output, output).transpose(1, 2)
    return torch.cat([of_picture[:n] for of_picture, n in zip(pooled, counts, strict=True)])


def _axis_weights(edges: Tensor, cells: int, bins: int, samples: int) -> Tensor:
    """Weight of each cell in each bin along one axis: edges [..., 2] -> [..., bins, cells].

    A sample further than one cell outside the map counts as nothing; a nearer one takes the
    border's value.
    """
    first, last = edges[..., :1], edges[..., 1:]
    steps = torch.arange(bins * samples, device=edges.device, dtype=edges.dtype) + 0.5
    places = first + (last - first) * steps / (bins * samples)
    inside = (places >= -1) & (places <= cells)
    grid = torch.arange(cells, device=edges.device, dtype=edges.dtype)
    hats = (1 - (places.clamp(0, cells - 1)[..., None] - grid).abs()).clamp(min=0)
    weights = hats * inside[..., None]
    return weights.reshape(*edges.shape[:-1], bins, samples, cells).mean(-2)
