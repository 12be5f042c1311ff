"""Levels and crops of the exact cascade: area resizing, and TensorFlow's crop_and_resize."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.ops import roi_align

from fer_det.faces.mtcnn.boxes import Boxes, Indices

_NEGLIGIBLE = 1e-3
"""OpenCV leaves out a pixel of which no more than this lies under a target pixel."""


def shrink(pictures: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Resize as OpenCV's INTER_AREA does: [B, H, W, 3] -> [B, height, width, 3], both not larger.

    OpenCV goes along every row of the picture before it adds rows up, whatever the level's height;
    here the rows are added up first, so that few are left to go along: a third of its time over a
    whole pyramid. The values are OpenCV's to a few of float32's last digits.
    """
    rows = _row_weights(pictures.shape[1], height)
    levels = np.empty((len(pictures), height, width, 3), np.float32)
    for picture, level in zip(pictures, levels, strict=True):
        flat = torch.sparse.mm(rows, torch.from_numpy(picture.reshape(len(picture), -1)))
        low = flat.numpy().reshape(height, -1, 3)
        cv2.resize(low, (width, height), dst=level, interpolation=cv2.INTER_AREA)
    return levels


def crop_and_resize(pictures: Tensor, boxes: Boxes, indices: Indices, side: int) -> Tensor:
    """Cut boxes out of pictures as squares, as TensorFlow's crop_and_resize does.

    pictures [B, 3, H, W] float32, boxes [N, 4], indices [N] into pictures -> [N, 3, side, side].
    Bilinear samples, the outermost ones on the box's edges, 0 outside the picture. The package
    divides boxes by the picture's size where that function multiplies by the size minus one, so
    everything is seen slightly displaced.
    """
    height, width = pictures.shape[-2:]
    limits = np.array([width - 1, height - 1], np.float64)
    edges = boxes * np.tile(limits / [width, height], 2)
    steps = (edges[:, 2:] - edges[:, :2]) / (side - 1)
    # roi_align samples the middle of each of its cells, so half a cell is added around.
    starts = edges[:, :2] - 0.5 * steps
    regions = np.concatenate([indices[:, None], starts, starts + side * steps], axis=1)
    crops: Tensor = roi_align(
        pictures, torch.from_numpy(regions).float(), side, sampling_ratio=1, aligned=False
    )
    samples = edges[:, None, :2] + np.arange(side)[None, :, None] * steps[:, None]
    inside = (samples >= 0) & (samples <= limits)
    cut = np.flatnonzero(~inside.all(axis=(1, 2)))
    if len(cut):
        mask = inside[cut, None, :, 1, None] & inside[cut, None, None, :, 0]
        crops[torch.from_numpy(cut)] *= torch.from_numpy(mask)
    return crops


@lru_cache(maxsize=1024)
def _row_weights(source: int, target: int) -> Tensor:
    """[target, source], sparse: how much of each source row a target row is made of."""
    scale = source / target
    starts = np.arange(target) * scale
    ends = np.minimum(starts + scale, source)
    others = np.floor(starts).astype(np.int64)[:, None] + np.arange(math.ceil(scale) + 1)
    shares = np.minimum(ends[:, None], others + 1) - np.maximum(starts[:, None], others)
    rows, columns = np.nonzero(shares > _NEGLIGIBLE)
    weights = (shares / (ends - starts)[:, None])[rows, columns].astype(np.float32)
    return torch.sparse_coo_tensor(
        torch.from_numpy(np.stack([rows, others[rows, columns]])),
        torch.from_numpy(weights),
        (target, source),
        check_invariants=True,
        is_coalesced=True,
    )
