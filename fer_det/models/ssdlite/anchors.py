"""Anchors of SSDLite, their faces, and the cells of a feature map that a box covers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.ops import box_iou

from fer_det.models.layers import anchor_offsets
from fer_det.models.ssdlite.config import Config


def make_anchors(config: Config) -> Tensor:
    """Anchors [A, 4] in input pixels around the cells' centres, map by map, on the CPU."""
    anchors = []
    sides = map_sides(config)
    for side, cell in zip(sides, anchors_in_cell(config, sides), strict=True):
        # On the CPU also where a model is built without memory.
        middles = (torch.arange(side, device="cpu") + 0.5) * config.input_size / side
        centres = torch.stack(torch.meshgrid(middles, middles, indexing="ij")[::-1], -1)
        # [H, W, 1, 4] and [K, 4]: cells row by row, and the anchors of each cell together.
        anchors.append((centres.repeat(1, 1, 2)[:, :, None] + cell).reshape(-1, 4))
    return torch.cat(anchors)


def anchors_in_cell(config: Config, widths: Sequence[int]) -> list[Tensor]:
    """Anchors [K, 4] of a cell about its centre, for maps of these widths in cells."""
    cells = []
    for width, scales in zip(widths, config.anchor_scales, strict=True):
        anchors = []
        for side in [scale * config.input_size for scale in scales]:
            offsets = anchor_offsets(side, config.input_size / width, config.anchor_spacing)
            stretch = config.anchor_ratio**0.5
            half = torch.tensor([side / stretch, side * stretch], device="cpu") / 2
            anchors.append(torch.cat([offsets - half, offsets + half], -1))
        cells.append(torch.cat(anchors))
    return cells


def map_sides(config: Config) -> list[int]:
    """Side of each feature map in cells, each half of the one before it."""
    sides = [config.input_size // config.first_stride]
    while len(sides) < len(config.anchor_scales):
        sides.append((sides[-1] + 1) // 2)
    return sides


def match_anchors(
    boxes: Tensor, labels: Tensor, anchors: Tensor, config: Config
) -> tuple[Tensor, Tensor]:
    """Match anchors [A, 4] with faces [N, 4] -> [A] int64 index of a labelled face or -1, [A] bool.

    The mask marks anchors on faces to ignore (labels < 0). Each labelled face gets the anchor with
    the highest IoU, even where an ignored face overlaps it; of two with the same one, one gets it.
    """
    none = torch.full((len(anchors),), -1, dtype=torch.int64, device=anchors.device)
    if not len(boxes):
        return none, torch.zeros_like(none, dtype=torch.bool)
    iou = box_iou(boxes, anchors)
    labelled = labels > 0
    best, matched = iou.masked_fill(~labelled[:, None], -1.0).max(0)
    matched = torch.where(best >= config.match_iou, matched, none)
    (faces,) = labelled.nonzero(as_tuple=True)
    matched[iou[faces].argmax(1)] = faces
    on_ignored = iou.masked_fill(labelled[:, None], -1.0).amax(0) >= config.ignore_iou
    return matched, on_ignored & (matched < 0)


def average_cells(scores: Tensor, boxes: Tensor, input_size: int) -> Tensor:
    """Mean of the cells in each box, by the parts of them that it covers.

    scores [H, W, C] of a square input; boxes [N, 4] in its pixels -> [N, C]. What is outside the
    map does not count, and a box narrower than a cell is as wide as one.
    """
    height, width, classes = scores.shape
    in_y = _cover(boxes[:, 1::2] * (height / input_size), height)
    in_x = _cover(boxes[:, 0::2] * (width / input_size), width)
    with torch.autocast(scores.device.type, enabled=False):
        rows = (in_y @ scores.reshape(height, width * classes)).reshape(-1, width, classes)
        return (in_x[:, :, None] * rows).sum(1)


def _cover(edges: Tensor, cells: int) -> Tensor:
    """Which part of an interval is in each cell: edges [N, 2] in cells -> [N, cells]."""
    middle = edges.mean(1, keepdim=True).clamp(0.5, cells - 0.5)
    first, last = (
        torch.minimum(edges[:, :1], middle - 0.5),
        torch.maximum(edges[:, 1:], middle + 0.5),
    )
    grid = torch.arange(cells, device=edges.device, dtype=edges.dtype)
    covered = (torch.minimum(last, grid + 1) - torch.maximum(first, grid)).clamp(min=0)
    return covered / covered.sum(1, keepdim=True)
