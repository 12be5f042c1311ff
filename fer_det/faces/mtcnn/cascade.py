"""MTCNN in PyTorch: box for box what mtcnn 1.0.0 answers, many pictures at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fer_det.faces.detector import DetectedFace
from fer_det.faces.mtcnn.boxes import (
    ONET_SIDE,
    PNET_STRIDE,
    PNET_WINDOW,
    RNET_SIDE,
    Candidates,
    calibrated,
    coarse_start,
    drop_slivers,
    place_landmarks,
    pyramid_scales,
    squared,
    suppress,
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
from fer_det.faces.mtcnn.networks import ONet, PNet, RNet
from fer_det.faces.mtcnn.resize import crop_and_resize, shrink
from fer_det.faces.mtcnn.weights import load_weights

MAX_BATCH = 16
MAX_BATCH_PIXELS = 4_000_000
"""Of the pictures taken at a time: bounds the memory, of which a pixel takes about 30 bytes."""

# How much the nets are given at a time: little enough to stay in the processor's cache.
_PNET_PIXELS = 100_000
_CROPS = 64

# Below these sizes torch takes other kernels, with other last digits, on which a rounded box may
# hang. So a lone small picture is asked twice and the crops are filled up: no answer depends on
# how many others were asked with it.
_LONELY_PIXELS = 20_000
_CROPS_MULTIPLE = 8


class Mtcnn:
    """The cascade: P-Net proposes boxes at every scale, R-Net sorts them out, O-Net finishes.

    Thresholds, scales and rounding are those of mtcnn 1.0.0's detect_faces on one picture; its
    batch mode, which pads and so changes the answer, is not followed. Raises WeightsNotFoundError
    or WeightsError where the package's weights are absent or others.
    """

    def __init__(self) -> None:
        self._pnet = PNet(load_weights("pnet"))
        self._rnet = RNet(load_weights("rnet"))
        self._onet = ONet(load_weights("onet"))

    def detect(
        self, images: Sequence[Pixels], coarse_first: bool = False
    ) -> list[list[DetectedFace]]:
        """Find the faces of each picture, best score first; a picture without any has none.

        images: [H, W, 3] RGB, of any sizes; those of one size share a batch, and no answer depends
        on its company.  coarse_first: leave out the finest scales, and with them faces below about
        15 % of the short side, wherever a larger face is found: for when only the largest is
        wanted.
        """
        demand_rgb8(images)
        found: list[list[DetectedFace]] = [[] for _ in images]
        with torch.inference_mode():
            for rows in _batches(images):
                skip = coarse_start(*images[rows[0]].shape[:2]) if coarse_first else 0
                self._detect_batch(images, rows, skip, found)
                faceless = [row for row in rows if not found[row]]
                if skip and faceless:
                    self._detect_batch(images, faceless, 0, found)
        return found

    def _detect_batch(
        self,
        images: Sequence[Pixels],
        rows: Sequence[int],
        skip: int,
        found: list[list[DetectedFace]],
    ) -> None:
        """Put the faces of `rows` of `images`, all of one size, into `found`."""
        height, width = images[rows[0]].shape[:2]
        scales = pyramid_scales(height, width)[skip:] if height and width else []
        if not scales:
            return
        pictures = np.stack([images[row] for row in rows]).astype(np.float32)
        pictures -= 127.5
        pictures /= 128
        proposed = self._propose(pictures, scales)
        if not len(proposed):
            return
        planes = _as_planes(pictures)
        refined = self._refine(planes, proposed)
        if not len(refined):
            return
        for index, face in self._finish(planes, refined):
            found[rows[index]].append(face)

    def _propose(self, pictures: NDArray[np.float32], scales: Sequence[float]) -> Candidates:
        """P-Net at every scale: pictures [B, H, W, 3] -> square candidates."""
        levels = [self._propose_level(pictures, scale) for scale in scales]
        proposed = Candidates.join(levels)
        return _as_squares(proposed.take(suppress(proposed, MAX_OVERLAP)))

    def _propose_level(self, pictures: NDArray[np.float32], scale: float) -> Candidates:
        height, width = (int(side * scale) for side in pictures.shape[1:3])
        level = shrink(pictures, height, width)
        parts = []
        for first, top_row, piece in _pieces(level):
            offsets, logits = self._ask_pnet(piece)
            hits = (logits > logit(PNET_SCORE)).nonzero(as_tuple=True)
            index, rows, columns = (axis.numpy() for axis in hits)
            boxes = window_boxes(rows + top_row, columns, offsets[hits].double().numpy(), scale)
            parts.append(Candidates(boxes, scores_of(logits[hits]), index + first))
        candidates = drop_slivers(Candidates.join(parts))
        return candidates.take(suppress(candidates, MAX_OVERLAP_IN_LEVEL))

    def _ask_pnet(self, piece: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
        """P-Net's answer to [B, H, W, 3], the same to the last digit for any B."""
        alone = len(piece) == 1 and piece.shape[1] * piece.shape[2] < _LONELY_PIXELS
        pictures = torch.from_numpy(np.repeat(piece, 2, axis=0) if alone else piece)
        offsets, logits = self._pnet(pictures.permute(0, 3, 1, 2))
        return (offsets[:1], logits[:1]) if alone else (offsets, logits)

    def _refine(self, planes: Tensor, proposed: Candidates) -> Candidates:
        """R-Net on every proposal: planes [B, 3, H, W] -> square candidates."""
        offsets, logits = _on_crops(self._rnet, planes, proposed, RNET_SIDE)
        sure = torch.nonzero(logits > logit(RNET_SCORE))[:, 0]
        kept = proposed.take(sure.numpy())
        boxes = calibrated(kept.boxes, offsets[sure].double().numpy())
        refined = drop_slivers(Candidates(boxes, scores_of(logits[sure]), kept.pictures))
        return _as_squares(refined.take(suppress(refined, MAX_OVERLAP)))

    def _finish(self, planes: Tensor, refined: Candidates) -> Iterator[tuple[int, DetectedFace]]:
        """O-Net on what is left: (picture, face), best score of a picture first."""
        height, width = planes.shape[-2:]
        offsets, parts, logits = _on_crops(self._onet, planes, refined, ONET_SIDE)
        sure = torch.nonzero(logits > logit(ONET_SCORE))[:, 0]
        kept = refined.take(sure.numpy())
        # The landmarks belong to the square that the crop was cut from, not to the moved box.
        landmarks = place_landmarks(kept.boxes, parts[sure].double().numpy())
        boxes = calibrated(kept.boxes, offsets[sure].double().numpy())
        faces = Candidates(boxes, scores_of(logits[sure]), kept.pictures)
        yield from finish(faces, landmarks, height, width)


def _batches(images: Sequence[Pixels]) -> Iterator[list[int]]:
    """Rows of `images` of one size, at most MAX_BATCH and, save for one, MAX_BATCH_PIXELS."""
    by_size: dict[tuple[int, ...], list[int]] = {}
    for row, image in enumerate(images):
        by_size.setdefault(image.shape, []).append(row)
    for (height, width, _), rows in by_size.items():
        count = min(MAX_BATCH, max(1, MAX_BATCH_PIXELS // max(height * width, 1)))
        for start in range(0, len(rows), count):
            yield rows[start : start + count]


def _as_planes(pictures: NDArray[np.float32]) -> Tensor:
    """[B, H, W, 3] -> [B, 3, H, W]; OpenCV takes the channels apart faster than torch."""
    count, height, width, channels = pictures.shape
    planes = np.empty((count, channels, height, width), np.float32)
    for picture, target in zip(pictures, planes, strict=True):
        cv2.split(picture, list(target))
    return torch.from_numpy(planes)


def _pieces(level: NDArray[np.float32]) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Cut a level [B, H, W, 3] into what P-Net answers at a time, about _PNET_PIXELS each.

    Yields (index of the first picture, row of the first answer, pixels): several small pictures,
    or a strip of a large one, so that memory stays small and the processor's cache is used. A
    picture's cuts depend on its size alone.
    """
    count, height, width = level.shape[:3]
    together = max(1, _PNET_PIXELS // (height * width))
    rows = max(1, _PNET_PIXELS // (width * PNET_STRIDE))
    for first in range(0, count, together):
        pictures = level[first : first + together]
        for row in range(0, (height - PNET_WINDOW) // PNET_STRIDE + 1, rows):
            bottom = (row + rows - 1) * PNET_STRIDE + PNET_WINDOW
            # The last strip takes what is left, be it one more odd row.
            is_last = bottom + PNET_STRIDE > height
            yield first, row, pictures[:, row * PNET_STRIDE : None if is_last else bottom]


def _on_crops(
    net: Callable[[Tensor], tuple[Tensor, ...]], planes: Tensor, candidates: Candidates, side: int
) -> tuple[Tensor, ...]:
    """What `net` answers to the crop of each candidate, a few at a time."""
    answers = []
    for start in range(0, len(candidates), _CROPS):
        part = candidates.take(np.arange(start, min(start + _CROPS, len(candidates))))
        crops = crop_and_resize(planes, part.boxes, part.pictures, side)
        filler = crops.new_zeros(-len(part) % _CROPS_MULTIPLE, *crops.shape[1:])
        padded = torch.cat([crops, filler]).contiguous(memory_format=torch.channels_last)
        answers.append([answer[: len(part)] for answer in net(padded)])
    return tuple(torch.cat(parts) for parts in zip(*answers, strict=True))


def scores_of(logits: Tensor) -> NDArray[np.float64]:
    """The two-way softmax in float32, whose equal values decide what the suppression keeps."""
    scores: NDArray[np.float64] = (1 / (1 + torch.exp(-logits))).double().numpy()
    return scores


def _as_squares(candidates: Candidates) -> Candidates:
    return Candidates(squared(candidates.boxes), candidates.scores, candidates.pictures)
