"""Illumination normalisation of face crops, inside the network and so in every export of it.

plane: the plane that fits the gray levels best is subtracted, which removes light from one side
(Sung and Poggio, "Example-based learning for view-based human face detection", PAMI 1998).
equalise: gray levels are mapped by their own cumulative histogram, so that all are equally
frequent. The published VGG13 for FERPlus was fed with both. Colours move with their gray level.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fer_det.config.model import Illumination

BINS = 64
"""Of the histogram; within one the map is linear."""


def normalise_illumination(crops: Tensor, kind: Illumination) -> Tensor:
    """[B, 3, H, W] in 0..1 -> the same shape and range, without differences of illumination."""
    gray = crops.mean(1, keepdim=True)
    wanted = gray
    if "plane" in kind:
        wanted = _without_plane(wanted)
    if "equalise" in kind:
        wanted = _equalised(wanted)
    return (crops + (wanted - gray)).clamp(0, 1)


def _without_plane(gray: Tensor) -> Tensor:
    """[B, 1, H, W]; the mean of each crop stays."""
    height, width = gray.shape[-2:]
    for axis, count in ((2, height), (3, width)):
        ramp = torch.linspace(-1, 1, count, device=gray.device, dtype=gray.dtype)
        ramp = ramp.view(-1, 1) if axis == 2 else ramp
        # The two ramps and the mean are orthogonal, so each is fitted by itself.
        slope = (gray * ramp).mean((2, 3), keepdim=True) / ramp.square().mean()
        gray = gray - slope * ramp
    return gray.clamp(0, 1)


def _equalised(gray: Tensor) -> Tensor:
    """[B, 1, H, W] -> the part of its crop's pixels that are darker, by a histogram."""
    scaled = gray * BINS
    bins = scaled.floor().clamp(max=BINS - 1)
    total = torch.zeros_like(gray)
    for number in range(BINS):
        share = (bins == number).to(gray.dtype).mean((2, 3), keepdim=True)
        total = total + share * (scaled - number).clamp(0, 1)
    return total
