"""Boxes and probabilities from a network's answers, in numpy: the only copy without torch.

web/js/boxes.js is the same in JavaScript; tests/golden/web.json holds results of both.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.export.contract import Contract

Floats = NDArray[np.float32]

LOG_LARGEST_SCALE = math.log(1000 / 16)
"""Corrections of log width and height are cut off here, as in torchvision's BoxCoder."""
SMALLEST_SIDE = 1e-2
"""Boxes with a shorter side, in input pixels, are dropped."""


def softmax(logits: NDArray[np.floating[Any]], temperature: float = 1.0) -> Floats:
    """Logits [N, C] -> probabilities [N, C] of the logits divided by `temperature`."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True, initial=-np.inf))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def face_odds(logits: Floats) -> Floats:
    """Logits [N, 1 + C], background first -> log odds [N] that a box holds a face."""
    faces = logits[:, 1:]
    highest = faces.max(axis=1, initial=-np.inf)
    summed = np.log(np.exp(faces - highest[:, None]).sum(axis=1)) + highest
    return np.asarray(summed - logits[:, 0], np.float32)


def decode_boxes(
    deltas: Floats, anchors: Floats, weights: tuple[float, float, float, float]
) -> Floats:
    """Corrections [N, 4] of anchors [N, 4] -> boxes [N, 4]. Girshick et al., "R-CNN", 2014."""
    sides = anchors[:, 2:] - anchors[:, :2]
    centres = anchors[:, :2] + np.float32(0.5) * sides
    scaled = deltas / np.array(weights, np.float32)
    middle = scaled[:, :2] * sides + centres
    half = np.float32(0.5) * np.exp(np.minimum(scaled[:, 2:], LOG_LARGEST_SCALE)) * sides
    return np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)


def suppress(boxes: Floats, scores: Floats, max_iou: float) -> NDArray[np.int64]:
    """Greedy non-maximum suppression: rows kept of boxes [N, 4], highest score first."""
    order = np.argsort(-scores, kind="stable")
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    kept: list[int] = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(int(best))
        starts = np.maximum(boxes[best, :2], boxes[rest, :2])
        ends = np.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = np.maximum(ends - starts, 0).prod(axis=1)
        order = rest[shared / (areas[best] + areas[rest] - shared) <= max_iou]
    return np.array(kept, np.int64)


def select_detections(
    logits: Floats, deltas: Floats, anchors: Floats, contract: Contract
) -> tuple[Floats, Floats, Floats]:
    """A core's answer to one picture -> boxes [M, 4] in input pixels, scores [M], and
    probabilities [M, C] after the temperature, highest score first.

    The same as fer_det.models.contract.select_detections: boxes are ranked by the log odds of a
    face, because scores in float32 are exactly 1 from log odds of 17.
    """
    assert contract.box_weights is not None
    assert contract.nms_iou is not None
    odds = face_odds(logits)
    best = np.argsort(-odds, kind="stable")[: contract.candidates]
    boxes = decode_boxes(deltas[best], anchors[best], contract.box_weights)
    boxes = boxes.clip(0, contract.input_size)
    kept = best[((boxes[:, 2:] - boxes[:, :2]) >= SMALLEST_SIDE).all(axis=1)]
    boxes = boxes[((boxes[:, 2:] - boxes[:, :2]) >= SMALLEST_SIDE).all(axis=1)]
    rows = suppress(boxes, odds[kept], contract.nms_iou)[: contract.detections]
    kept, boxes = kept[rows], boxes[rows]
    with np.errstate(over="ignore"):
        scores = (1 / (1 + np.exp(-odds[kept].astype(np.float64)))).astype(np.float32)
    return boxes, scores, softmax(logits[kept, 1:], contract.temperature)
