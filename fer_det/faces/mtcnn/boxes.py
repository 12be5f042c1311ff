"""The arithmetic on boxes between the nets of the MTCNN cascade, as mtcnn 1.0.0 does it.

Boxes here are rows (x_min, y_min, x_max, y_max), float64, in pixels of the picture.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
Indices = NDArray[np.int64]
Overlap = Literal["union", "smaller"]

PNET_WINDOW = 12
"""Side of the square that one answer of P-Net speaks of, in pixels of the scaled picture."""
PNET_STRIDE = 2
RNET_SIDE = 24
ONET_SIDE = 48
"""Sides of the crops that R-Net and O-Net take, in pixels."""
SMALLEST_FACE = 20
"""Pixels that P-Net's window covers at the finest level."""
SCALE_FACTOR = 0.709
COARSE_SHARE = 0.15
"""Coarse-first starts at windows of at most this part of the picture's short side."""

_NMS_BLOCK = 512
_MIN_SIDE = 1.0


@dataclass(frozen=True)
class Candidates:
    """What may be faces, over all pictures of a batch."""

    boxes: Boxes
    """[N, 4]."""
    scores: NDArray[np.float64]
    """[N], 0..1, with float32's precision."""
    pictures: Indices
    """[N], which picture of the batch."""

    def __len__(self) -> int:
        return len(self.boxes)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Candidates:
        """Those at `rows`, in their order."""
        return Candidates(self.boxes[rows], self.scores[rows], self.pictures[rows])

    @classmethod
    def join(cls, parts: Sequence[Candidates]) -> Candidates:
        """All of `parts`, one after the other."""
        return cls(
            np.concatenate([part.boxes for part in parts] or [np.zeros((0, 4))]),
            np.concatenate([part.scores for part in parts] or [np.zeros(0)]),
            np.concatenate([part.pictures for part in parts] or [np.zeros(0, np.int64)]),
        )


def pyramid_scales(height: int, width: int) -> list[float]:
    """The scales at which P-Net looks at a picture of that size, finest first.

    The package counts its levels from P-Net's window of 12 px but starts at 12 / 20, so its last
    level keeps a short side of 12 to 17 px. None for a short side below 21 px.
    """
    levels = round(-(math.log(min(height, width) / PNET_WINDOW) / math.log(SCALE_FACTOR) + 1))
    return [PNET_WINDOW / SMALLEST_FACE * SCALE_FACTOR**level for level in range(levels)]


def coarse_start(height: int, width: int) -> int:
    """How many of the finest levels coarse-first leaves out; 0 for small pictures.

    The level left as the finest has the largest window that still fits into COARSE_SHARE of the
    short side, so that a face of that size is not at the edge of what is looked for.
    """
    ratio = COARSE_SHARE * min(height, width) / SMALLEST_FACE
    return int(math.log(ratio) / -math.log(SCALE_FACTOR)) if ratio > 1 else 0


def window_boxes(rows: Indices, columns: Indices, offsets: Boxes, scale: float) -> Boxes:
    """The boxes that P-Net proposes at cells (row, column) of a level.

    rows, columns [N], offsets [N, 4] in parts of a window -> [N, 4] in pixels of the picture.
    """
    starts = np.stack([columns, rows], axis=1) * PNET_STRIDE
    windows = np.concatenate([starts + 1, starts + PNET_WINDOW], axis=1)
    # The window counts as 11 px wide: its last pixel minus its first.
    return (windows + offsets * (PNET_WINDOW - 1)) / scale


def calibrated(boxes: Boxes, offsets: Boxes) -> Boxes:
    """Move each edge by its offset, in parts of the box's side, the last pixel included."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    moved: Boxes = boxes + offsets * np.tile(sides, 2)
    return moved


def place_landmarks(boxes: Boxes, landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N, 10] five x then five y in parts of the box -> [N, 5, 2] (x, y) in pixels."""
    sides = boxes[:, None, 2:] - boxes[:, None, :2] + 1
    return sides * landmarks.reshape(-1, 2, 5).transpose(0, 2, 1) + boxes[:, None, :2] - 1


def squared(boxes: Boxes) -> Boxes:
    """The square on the longer side around each box's centre."""
    sides = boxes[:, 2:] - boxes[:, :2]
    longest = sides.max(axis=1, keepdims=True)
    starts = boxes[:, :2] + sides * 0.5 - longest * 0.5
    return np.concatenate([starts, starts + longest], axis=1)


def drop_slivers(candidates: Candidates) -> Candidates:
    """Leave out boxes with a side below one pixel, which hold nothing that could be looked at."""
    sides = candidates.boxes[:, 2:] - candidates.boxes[:, :2]
    return candidates.take(sides.min(axis=1) >= _MIN_SIDE) if len(candidates) else candidates


def suppress(candidates: Candidates, threshold: float, overlap: Overlap = "union") -> Indices:
    """Non-maximum suppression within each picture: the rows kept, by picture, best score first.

    Not greedy: a box goes when any better one overlaps it by more than `threshold`, even one that
    goes itself. overlap: the shared area over that of the union, or of the smaller box.

    Equal scores are common, since float32 has only 1.0 for all that is very sure. The package
    leaves their order to numpy's unstable sort; so does this, as no other rule gives its answers.
    """
    by_picture = np.argsort(candidates.pictures, kind="stable")
    bounds = [0, *(np.flatnonzero(np.diff(candidates.pictures[by_picture])) + 1), len(candidates)]
    kept = []
    for start, end in itertools.pairwise(bounds):
        rows = by_picture[start:end]
        rows = rows[np.argsort(candidates.scores[rows])[::-1]]
        kept.append(rows[_unbeaten(candidates.boxes[rows], threshold, overlap)])
    return np.concatenate(kept)


def _unbeaten(boxes: Boxes, threshold: float, overlap: Overlap) -> Indices:
    """Rows of `boxes`, which come best first, that no earlier row overlaps by too much.

    Swept along x in blocks, so that a hundred thousand boxes need neither the memory nor the time
    of the whole table of pairs.
    """
    ranks = np.argsort(boxes[:, 0], kind="stable")
    swept = boxes[ranks]
    beaten = np.zeros(len(boxes), bool)
    for start in range(0, len(boxes), _NMS_BLOCK):
        block = slice(start, start + _NMS_BLOCK)
        end = int(np.searchsorted(swept[:, 0], swept[block, 2].max()))
        for other_start in range(start, max(end, start + 1), _NMS_BLOCK):
            other = slice(other_start, other_start + _NMS_BLOCK)
            over = _overlaps(swept[block], swept[other], overlap) > threshold
            beaten[block] |= (over & (ranks[block, None] > ranks[None, other])).any(axis=1)
            beaten[other] |= (over & (ranks[block, None] < ranks[None, other])).any(axis=0)
    kept: Indices = np.sort(ranks[~beaten])
    return kept


def _overlaps(boxes: Boxes, others: Boxes, overlap: Overlap) -> NDArray[np.float64]:
    """[N, 4] and [M, 4] -> [N, M] shared area over the union's, or over the smaller box's."""
    starts = np.maximum(boxes[:, None, :2], others[None, :, :2])
    ends = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.maximum(ends - starts, 0).prod(axis=2)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)[:, None]
    other_areas = (others[:, 2:] - others[:, :2]).prod(axis=1)[None]
    smaller = overlap == "smaller"
    whole = np.minimum(areas, other_areas) if smaller else areas + other_areas - shared
    ratios: NDArray[np.float64] = shared / whole
    return ratios
