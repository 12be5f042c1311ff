"""Which detection answers for which labelled face.

A picture with one labelled face needs no thought: by `top1` its highest-scoring box answers,
wherever that box lies. With several labelled faces a box speaks for the one that it overlaps more
than any other (by IoU); a box that overlaps none, or two equally, speaks for none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_det.evaluation.picture import FloatArray, IntArray, ScoredPicture, most_probable

MIN_IOU = 0.5
NONE = 0
"""The answer where no box speaks for the face."""

_NO_BOX = -1


def iou_matrix(boxes: FloatArray, truth: FloatArray) -> NDArray[np.float64]:
    """Intersection over union of [N, 4] with [T, 4] -> [N, T], 0..1; 0 where neither has area."""
    first, second = np.asarray(boxes, np.float64), np.asarray(truth, np.float64)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    union = _areas(first)[:, None] + _areas(second)[None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def owned_boxes(iou: NDArray[np.float64]) -> NDArray[np.bool_]:
    """[N, T] IoU -> [N, T]: whether the box overlaps that face more than any other."""
    largest = iou.max(axis=1, keepdims=True, initial=0.0)
    is_largest = (iou == largest) & (largest > 0)
    return np.asarray(is_largest & (is_largest.sum(axis=1, keepdims=True) == 1))


def top1_boxes(iou: NDArray[np.float64], scores: FloatArray) -> IntArray:
    """[N, T] IoU and [N] scores -> [T]: the highest-scoring box of each face, -1 for none.

    With one labelled face this is the highest-scoring box of the picture, whatever its score and
    place; with several, the highest-scoring of those that the face owns.
    """
    one_face = iou.shape[1] == 1
    return _highest(np.ones_like(iou, dtype=np.bool_) if one_face else owned_boxes(iou), scores)


def matched_boxes(
    iou: NDArray[np.float64], scores: FloatArray, min_iou: float = MIN_IOU
) -> IntArray:
    """[N, T] IoU and [N] scores -> [T]: the highest-scoring box with IoU >= min_iou, -1 for none.

    With several labelled faces only the boxes that the face owns are asked.
    """
    return _highest(owned_boxes(iou) & (iou >= min_iou), scores)


def answer_top1(picture: ScoredPicture) -> IntArray:
    """[T] int64: the class 1..C that `top1` gives each labelled face, NONE for no box."""
    iou = iou_matrix(picture.boxes, picture.truth_boxes)
    return _classes_of(picture, top1_boxes(iou, picture.scores))


def answer_matched(picture: ScoredPicture) -> IntArray:
    """[T] int64: the class 1..C that `matched` gives each labelled face, NONE for no box."""
    iou = iou_matrix(picture.boxes, picture.truth_boxes)
    return _classes_of(picture, matched_boxes(iou, picture.scores))


def answer_gt_box(picture: ScoredPicture) -> IntArray:
    """[T] int64 in 1..C: what the box head says of the labelled faces' own boxes.

    Raises ValueError where it was not run.
    """
    if picture.truth_probabilities is None:
        raise ValueError(f"{picture.image_id}: truth_probabilities expected, found None")
    return most_probable(picture.truth_probabilities)


def _classes_of(picture: ScoredPicture, chosen: IntArray) -> IntArray:
    # The class in front of the boxes' own is what an index of -1 falls on once all shift by one.
    return np.concatenate([[NONE], picture.box_classes])[chosen + 1]


def _highest(eligible: NDArray[np.bool_], scores: FloatArray) -> IntArray:
    if not len(scores):
        return np.full(eligible.shape[1], _NO_BOX, np.int64)
    index = np.where(eligible, scores[:, None], -np.inf).argmax(axis=0)
    return np.where(eligible.any(axis=0), index, _NO_BOX).astype(np.int64)


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    sides = boxes[:, 2:] - boxes[:, :2]
    return sides[:, 0] * sides[:, 1]
