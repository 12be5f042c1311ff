"""What Faces.kt and Faces.swift of docs/phone.md compute, in plain Python, line by line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

Box = Sequence[float]
Square = tuple[float, float, float]
"""Left, top, side."""


def whole_photo(width: int, height: int) -> Square:
    return 0.0, 0.0, float(max(width, height))


def around_face(box: Box, margin: float) -> Square:
    side = (1 + 2 * margin) * max(box[2] - box[0], box[3] - box[1])
    return (box[0] + box[2] - side) / 2, (box[1] + box[3] - side) / 2, side


def render(photo: Any, part: Square, size: int, padding: Sequence[int]) -> list[float]:
    """Photo [H][W][3] in 0..255 -> planes [3 * size * size] in 0..1."""
    height, width = len(photo), len(photo[0])
    left, top, side = part
    n = max(1, int(side / size + 1e-6))
    columns, rows = max(1, width // n), max(1, height // n)
    block_x, block_y = width / columns, height / rows

    def block(x: int, y: int, channel: int) -> float:
        if x < 0 or y < 0 or x >= columns or y >= rows:
            return float(padding[channel])
        total = 0.0
        for v in range(int(y * block_y + 1e-6), min(height, math.ceil((y + 1) * block_y - 1e-6))):
            for u in range(
                int(x * block_x + 1e-6), min(width, math.ceil((x + 1) * block_x - 1e-6))
            ):
                share_x = min(u + 1, (x + 1) * block_x) - max(u, x * block_x)
                share_y = min(v + 1, (y + 1) * block_y) - max(v, y * block_y)
                total += share_x * share_y * float(photo[v][u][channel])
        return math.floor(total / (block_x * block_y) + 0.5)

    first_x, first_y = math.floor(left / block_x) - 1, math.floor(top / block_y) - 1
    across = int(side / min(block_x, block_y)) + 4
    planes = []
    for channel in range(3):
        blocks = [
            [block(first_x + x, first_y + y, channel) for x in range(across)] for y in range(across)
        ]
        for row in range(size):
            for column in range(size):
                x = (left + (column + 0.5) * side / size) / block_x - 0.5 - first_x
                y = (top + (row + 0.5) * side / size) / block_y - 0.5 - first_y
                i, j = int(x), int(y)
                above = blocks[j][i] * (i + 1 - x) + blocks[j][i + 1] * (x - i)
                below = blocks[j + 1][i] * (i + 1 - x) + blocks[j + 1][i + 1] * (x - i)
                planes.append(math.floor(above * (j + 1 - y) + below * (y - j) + 0.5) / 255)
    return planes


def softmax(logits: Sequence[float], temperature: float) -> list[float]:
    powers = [math.exp((logit - max(logits)) / temperature) for logit in logits]
    return [power / sum(powers) for power in powers]


def overlap(a: Box, b: Box) -> float:
    def area(box: Box) -> float:
        return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])

    shared = area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))
    return shared / (area(a) + area(b) - shared)


def detections(logits: Any, deltas: Any, anchors: Any, about: Any) -> list[dict[str, Any]]:
    """Logits [A][1 + C], deltas and anchors [A][4] -> faces, best first; about: the contract."""

    def log_odds(row: Sequence[float]) -> float:
        most = max(row[1:])
        return most + math.log(sum(math.exp(logit - most) for logit in row[1:])) - row[0]

    odds = [log_odds(row) for row in logits]
    kept: list[tuple[int, list[float]]] = []
    for i in sorted(range(len(odds)), key=lambda i: -odds[i])[: about["candidates"]]:
        box = []
        for edge in range(4):
            axis, weights = edge % 2, about["box_weights"]
            length = anchors[i][axis + 2] - anchors[i][axis]
            middle = anchors[i][axis] + length / 2 + deltas[i][axis] / weights[axis] * length
            grown = min(deltas[i][axis + 2] / weights[axis + 2], math.log(1000 / 16))
            half = math.exp(grown) * length / 2
            limit = float(about["input_size"])
            box.append(min(max(middle - half if edge < 2 else middle + half, 0.0), limit))
        if min(box[2] - box[0], box[3] - box[1]) < 0.01 or len(kept) == about["detections"]:
            continue
        if all(overlap(other, box) <= about["nms_iou"] for _, other in kept):
            kept.append((i, box))
    return [
        {
            "box": box,
            "score": 1 / (1 + math.exp(-odds[i])),
            "probabilities": softmax(logits[i][1:], about["temperature"]),
        }
        for i, box in kept
    ]
