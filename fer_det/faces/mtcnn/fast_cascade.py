"""MTCNN for large pictures: the same nets on a cheaper pyramid, on all cores, in numpy.

fast.py runs the nets with torch, fer_det.export.onnx_mtcnn with onnxruntime.

The levels and the crops are cut from 8-bit pixels that were averaged over areas, where `Mtcnn`
samples the picture itself in float32. So a box may differ by some pixels from `Mtcnn`'s, and a face
at the limit may be found by only one of them. P-Net gets tiles that stay in a core's cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.faces.detector import DetectedFace
from fer_det.faces.mtcnn.boxes import (
    ONET_SIDE,
    PNET_STRIDE,
    PNET_WINDOW,
    RNET_SIDE,
    SMALLEST_FACE,
    Boxes,
    Candidates,
    calibrated,
    drop_slivers,
    place_landmarks,
    squared,
    window_boxes,
)
from fer_det.faces.mtcnn.common import (
    MAX_OVERLAP,
    MAX_OVERLAP_IN_LEVEL,
    ONET_SCORE,
    PNET_SCORE,
    RNET_SCORE,
    Pixels,
    demand_rgb8,
    finish,
    logit,
)

_TILE_CELLS = 150
"""Side of a tile in answers of P-Net."""
_CROPS = 128
"""Crops that R-Net or O-Net gets at a time."""
_GRAY = (128.0, 128.0, 128.0)
"""What lies outside the picture: nearest to 0 for the nets."""

Floats = NDArray[np.float32]
Net = Callable[[Floats], tuple[Floats, ...]]
"""Pictures [N, H, W, 3], RGB, (x - 127.5) / 128 -> what the net of networks.py answers."""
SizeToSide = Callable[[int, int], float]
Mapped = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
Level = tuple[float, Pixels]
"""Scale and pixels of a picture's reduced copy."""


class Nets(NamedTuple):
    """The three networks; several threads call them at a time."""

    pnet: Net
    """[N, H, W, 3] -> edge offsets [N, h, w, 4], logits [N, h, w]."""
    rnet: Net
    """[N, 24, 24, 3] -> edge offsets [N, 4], logits [N]."""
    onet: Net
    """[N, 48, 48, 3] -> edge offsets [N, 4], landmarks [N, 10], logits [N]."""


def default_smallest(width: int, height: int) -> float:  # noqa: ARG001  (a SizeToSide)
    """Return the smallest face of the exact cascade."""
    return SMALLEST_FACE


class FastCascade:
    """The cascade with a choice of the smallest face, and levels the root of 2 apart.

    Each level but the first two is half the level before the last.
    """

    def __init__(self, nets: Nets, smallest_face: SizeToSide, threads: int) -> None:
        """smallest_face: from a picture's (width, height) to the side of the smallest square that
        is looked at, 12 pixels or more."""
        self._nets = nets
        self._smallest_face = smallest_face
        self._threads = threads

    def detect(
        self,
        images: Sequence[Pixels],
        coarse_first: bool = False,  # noqa: ARG002  (FaceDetector's signature)
    ) -> list[list[DetectedFace]]:
        """See FaceDetector; coarse_first changes nothing."""
        demand_rgb8(images)
        with self._workers() as mapped:
            return [self._detect_one(image, mapped) for image in images]

    def _detect_one(self, image: Pixels, mapped: Mapped) -> list[DetectedFace]:
        height, width = image.shape[:2]
        smallest = max(float(PNET_WINDOW), self._smallest_face(width, height))
        octaves = make_octaves(image)
        levels = make_pyramid(octaves, PNET_WINDOW / smallest)
        if not levels:
            return []
        tiles = [(scale, *tile) for scale, pixels in levels for tile in _tiles(pixels)]
        parts: dict[float, list[Candidates]] = {}
        for (scale, *_), part in zip(tiles, mapped(self._propose, tiles), strict=True):
            parts.setdefault(scale, []).append(part)
        best = [_suppressed(Candidates.join(p), MAX_OVERLAP_IN_LEVEL) for p in parts.values()]
        proposed = _suppressed(Candidates.join(best), MAX_OVERLAP)
        boxes = squared(proposed.boxes)
        offsets, logits = _on_crops(self._nets.rnet, octaves, boxes, RNET_SIDE, mapped)
        sure = logits > logit(RNET_SCORE)
        moved = calibrated(boxes[sure], offsets[sure].astype(np.float64))
        refined = _suppressed(_candidates(moved, logits[sure]), MAX_OVERLAP)
        boxes = squared(refined.boxes)
        offsets, points, logits = _on_crops(self._nets.onet, octaves, boxes, ONET_SIDE, mapped)
        sure = logits > logit(ONET_SCORE)
        # The landmarks belong to the square that the crop was cut from, not to the moved box.
        landmarks = place_landmarks(boxes[sure], points[sure].astype(np.float64))
        moved = calibrated(boxes[sure], offsets[sure].astype(np.float64))
        faces = _candidates(moved, logits[sure])
        return [face for _, face in finish(faces, landmarks, height, width)]

    def _propose(self, tile: tuple[float, int, int, Pixels]) -> Candidates:
        """P-Net's candidates in a tile (scale, top, left, pixels), in pixels of the picture."""
        scale, top, left, pixels = tile
        offsets, logits = self._nets.pnet(_normalised(pixels[None]))
        hits = np.nonzero(logits > logit(PNET_SCORE))
        _, rows, columns = hits
        found = offsets[hits].astype(np.float64)
        boxes = window_boxes(rows + top, columns + left, found, scale)
        return _candidates(boxes, logits[hits])

    @contextmanager
    def _workers(self) -> Iterator[Mapped]:
        """A map over the threads."""
        if self._threads == 1:
            yield map
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                yield pool.map


def make_octaves(image: Pixels) -> list[Pixels]:
    """The picture and its halves, as long as a half has room for a crop."""
    octaves = [image]
    while min(octaves[-1].shape[:2]) >= 2 * ONET_SIDE:
        octaves.append(_halved(octaves[-1]))
    return octaves


def make_pyramid(octaves: Sequence[Pixels], scale: float) -> list[Level]:
    """Levels from `scale` down, finest first, as long as P-Net's window fits into them."""
    height, width = octaves[0].shape[:2]
    levels: list[Level] = []
    while int(min(height, width) * scale) >= PNET_WINDOW:
        if len(levels) < 2:
            size = (int(width * scale), int(height * scale))
            # From the coarsest octave that is not smaller, which is the least to go through.
            source = octaves[min(int(-math.log2(scale)), len(octaves) - 1)]
            pixels: Any = cv2.resize(source, size, interpolation=cv2.INTER_AREA)
        else:
            pixels = _halved(levels[-2][1])
        levels.append((scale, pixels))
        scale /= 2**0.5
    return levels


def _halved(pixels: Pixels) -> Pixels:
    """Average blocks of 2 x 2; an odd last row or column is left out, which moves nothing."""
    height, width = (side // 2 for side in pixels.shape[:2])
    even = pixels[: 2 * height, : 2 * width]
    return cast(Pixels, cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA))


def _tiles(pixels: Pixels) -> Iterator[tuple[int, int, Pixels]]:
    """Cut a level into (first row, first column of answers, pixels): each answer in one tile."""
    height, width = pixels.shape[:2]
    rows, columns = ((side - PNET_WINDOW) // PNET_STRIDE + 1 for side in (height, width))
    reach = (_TILE_CELLS - 1) * PNET_STRIDE + PNET_WINDOW
    for row in range(0, rows, _TILE_CELLS):
        for column in range(0, columns, _TILE_CELLS):
            top, left = row * PNET_STRIDE, column * PNET_STRIDE
            yield row, column, pixels[top : top + reach, left : left + reach]


def _on_crops(
    net: Net, octaves: Sequence[Pixels], boxes: Boxes, side: int, mapped: Mapped
) -> tuple[Floats, ...]:
    """What `net` answers to the crop of each square, some at a time on each core."""

    def ask(part: Boxes) -> tuple[Floats, ...]:
        return net(_normalised(np.stack([_crop(octaves, box, side) for box in part])))

    # Without boxes one crop of nothing gives the shapes.
    parts = [boxes[n : n + _CROPS] for n in range(0, len(boxes), _CROPS)]
    answers = list(mapped(ask, parts)) or [ask(np.array([[0.0, 0.0, side, side]]))]
    return tuple(np.concatenate(each)[: len(boxes)] for each in zip(*answers, strict=True))


def _crop(octaves: Sequence[Pixels], box: NDArray[np.float64], side: int) -> Pixels:
    """Sample a square of side x side, the outermost pixels on the box's edges.

    The octave is the coarsest that has all the pixels that are needed.
    """
    x_min, y_min, x_max = box[:3]
    step = max((x_max - x_min) / (side - 1), 1e-6)
    octave = int(np.clip(np.log2(step), 0, len(octaves) - 1))
    scale = 0.5**octave
    # The centre of a pixel of an octave lies between those of the pixels that it averages.
    shift = 0.5 * scale - 0.5
    matrix = np.array(
        [[step * scale, 0, x_min * scale + shift], [0, step * scale, y_min * scale + shift]]
    )
    crop = cv2.warpAffine(
        octaves[octave],
        matrix,
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=_GRAY,
    )
    return cast(Pixels, crop)


def _normalised(pixels: Pixels) -> Floats:
    """[N, H, W, 3] uint8 -> what the nets take."""
    floats = pixels.astype(np.float32)
    floats -= np.float32(127.5)
    floats *= np.float32(1 / 128)
    return floats


def _candidates(boxes: Boxes, logits: Floats) -> Candidates:
    with np.errstate(over="ignore"):
        scores = (1 / (1 + np.exp(-logits))).astype(np.float64)
    return Candidates(boxes, scores, np.zeros(len(boxes), np.int64))


def _suppressed(candidates: Candidates, threshold: float) -> Candidates:
    """Greedy non-maximum suppression, best score first; slivers are left out."""
    whole = drop_slivers(candidates)
    if not len(whole):
        return whole
    # OpenCV takes arrays, which its stubs leave out.
    rectangles: Any = np.concatenate(
        [whole.boxes[:, :2], whole.boxes[:, 2:] - whole.boxes[:, :2]], axis=1
    )
    scores: Any = whole.scores.astype(np.float32)
    rows: Any = cv2.dnn.NMSBoxes(rectangles, scores, 0, threshold)
    return whole.take(np.asarray(rows, np.int64).reshape(-1))
