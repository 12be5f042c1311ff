"""The prediction for each labelled face, by three rules.

top1     class of the highest-scoring box, whatever its score and position
matched  class of the highest-scoring box that overlaps the face with IoU >= 0.5
gt_box   class that the model predicts for the labelled face's own box

In a picture with several labelled faces each box is first assigned to the face that it overlaps
most (by IoU); top1 and matched then choose among the boxes assigned to the face. A box that
overlaps no face, or two faces equally, is not assigned. Boxes of equal score keep the detector's
order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fer_det.evaluation.picture import FloatArray, IntArray, ScoredPicture, most_probable
from fer_det.evaluation.recognition import confusion_by_picture

Edges: TypeAlias = tuple[float, float, float, float]

RULES = ("top1", "matched", "gt_box")
MIN_IOU = 0.5
NO_CLASS = 0
"""Predicted class where no box qualifies."""

_NO_BOX = -1
_DIGITS = 6
"""Significant digits of a probability in a file."""


@dataclass(frozen=True)
class FacePrediction:
    """What one rule predicts for one face."""

    label: str
    """Most probable expression."""
    probabilities: tuple[float, ...]
    """[C], of each expression, given that the box is a face."""
    box: Edges
    """The chosen box; by `gt_box` the labelled face's own box."""
    score: float | None
    """Probability that the box contains a face; None by `gt_box`."""

    @property
    def confidence(self) -> float:
        """Probability of `label`."""
        return max(self.probabilities)


@dataclass(frozen=True)
class ScoredFace:
    """One labelled face and its predictions; boxes in pixels of the picture."""

    image_id: str
    index: int
    """Position among the labelled faces of its picture, from 0."""
    size: tuple[int, int]
    """Width and height of the picture."""
    label: str
    box: Edges
    predictions: Mapping[str, FacePrediction | None]
    """Rule -> prediction, for the rules that were scored; None where no box qualifies."""

    def is_correct(self, rule: str) -> bool:
        """Return whether the rule predicts the face's label."""
        prediction = self.predictions[rule]
        return prediction is not None and prediction.label == self.label

    def to_json(self) -> dict[str, Any]:
        """Return the entry of this face in scores.json."""
        return {
            "id": self.image_id,
            "face": self.index,
            "size": list(self.size),
            "label": self.label,
            "box": _round_edges(self.box),
            "answers": {rule: each and _to_json(each) for rule, each in self.predictions.items()},
        }

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> ScoredFace:
        """Read an entry of scores.json; KeyError, TypeError or ValueError for anything else."""
        width, height = entry["size"]
        return cls(
            str(entry["id"]),
            int(entry["face"]),
            (int(width), int(height)),
            str(entry["label"]),
            _edges(entry["box"]),
            {rule: each and _from_json(each) for rule, each in entry["answers"].items()},
        )


def score_faces(
    pictures: Sequence[ScoredPicture], classes: Sequence[str], rules: Sequence[str]
) -> Iterator[ScoredFace]:
    """Apply `rules` to each labelled face, in the order of the pictures; classes names 1..C."""
    for picture in pictures:
        by_rule = {rule: _predict_faces(picture, classes, rule) for rule in rules}
        for index, label in enumerate(picture.truth_labels.tolist()):
            yield ScoredFace(
                picture.image_id,
                index,
                (picture.width, picture.height),
                classes[label - 1],
                _edges(picture.truth_boxes[index].tolist()),
                {rule: predictions[index] for rule, predictions in by_rule.items()},
            )


def confusion_of_faces(faces: Sequence[ScoredFace], rule: str, classes: Sequence[str]) -> IntArray:
    """Return the confusion matrix of each picture, [P, C, C + 1], in order of first appearance."""
    pictures: dict[str, int] = {}
    numbers = {label: number for number, label in enumerate(classes, start=1)}
    rows = [
        (
            pictures.setdefault(face.image_id, len(pictures)),
            numbers[face.label],
            NO_CLASS if (each := face.predictions[rule]) is None else numbers[each.label],
        )
        for face in faces
    ]
    picture, truth, predicted = np.array(rows, np.int64).reshape(-1, 3).T
    return confusion_by_picture(picture, truth, predicted, len(pictures), len(classes))


def predicted_classes(picture: ScoredPicture, rule: str) -> IntArray:
    """Return the class 1..C that a rule predicts for each labelled face, [T]; 0 for no box.

    Raises ValueError by `gt_box` where the picture has no `truth_probabilities`.
    """
    if rule == "gt_box":
        return most_probable(_truth_probabilities(picture))
    # Class 0 stands before the boxes' classes, so that index -1 finds it.
    return np.concatenate([[NO_CLASS], picture.box_classes])[select_boxes(picture, rule) + 1]


def select_boxes(picture: ScoredPicture, rule: str) -> IntArray:
    """Return the index of the box that `top1` or `matched` selects for each face, [T]; -1: none."""
    iou = iou_matrix(picture.boxes, picture.truth_boxes)
    if rule == "matched":
        eligible = assign_boxes(iou) & (iou >= MIN_IOU)
    elif iou.shape[1] == 1:
        eligible = np.ones_like(iou, dtype=np.bool_)
    else:
        eligible = assign_boxes(iou)
    return _first_eligible(eligible, rank_scores(picture.scores))


def iou_matrix(boxes: FloatArray, truth: FloatArray) -> NDArray[np.float64]:
    """Intersection over union of [N, 4] with [T, 4] -> [N, T], 0..1; 0 where neither has area."""
    first, second = np.asarray(boxes, np.float64), np.asarray(truth, np.float64)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    union = _areas(first)[:, None] + _areas(second)[None] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def assign_boxes(iou: NDArray[np.float64]) -> NDArray[np.bool_]:
    """[N, T] IoU -> [N, T] bool: whether the box overlaps that face more than every other face."""
    largest = iou.max(axis=1, keepdims=True, initial=0.0)
    is_largest = (iou == largest) & (largest > 0)
    return np.asarray(is_largest & (is_largest.sum(axis=1, keepdims=True) == 1))


def rank_scores(scores: FloatArray) -> IntArray:
    """[N] scores -> [N] indices, highest score first; equal scores keep their order."""
    return np.argsort(-np.asarray(scores, np.float64), kind="stable").astype(np.int64)


def _first_eligible(eligible: NDArray[np.bool_], ranking: IntArray) -> IntArray:
    """[N, T] and the ranking [N] -> [T], the index of the first box that is eligible, or -1."""
    if not len(ranking):
        return np.full(eligible.shape[1], _NO_BOX, np.int64)
    first = ranking[eligible[ranking].argmax(axis=0)]
    return np.where(eligible.any(axis=0), first, _NO_BOX).astype(np.int64)


def _predict_faces(
    picture: ScoredPicture, classes: Sequence[str], rule: str
) -> list[FacePrediction | None]:
    if rule == "gt_box":
        rows, boxes = _truth_probabilities(picture), picture.truth_boxes
        return [_prediction(classes, row, box, None) for row, box in zip(rows, boxes, strict=True)]
    return [
        None
        if index == _NO_BOX
        else _prediction(
            classes,
            picture.probabilities[index],
            picture.boxes[index],
            float(picture.scores[index]),
        )
        for index in select_boxes(picture, rule).tolist()
    ]


def _prediction(
    classes: Sequence[str], row: FloatArray, box: FloatArray, score: float | None
) -> FacePrediction:
    return FacePrediction(
        classes[int(row.argmax())], tuple(row.tolist()), _edges(box.tolist()), score
    )


def _truth_probabilities(picture: ScoredPicture) -> FloatArray:
    if picture.truth_probabilities is None:
        raise ValueError(f"{picture.image_id}: truth_probabilities expected, found None")
    return picture.truth_probabilities


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    sides = boxes[:, 2:] - boxes[:, :2]
    return sides[:, 0] * sides[:, 1]


def _to_json(prediction: FacePrediction) -> dict[str, Any]:
    score = prediction.score
    return {
        "label": prediction.label,
        "probabilities": [_round_digits(value) for value in prediction.probabilities],
        "box": _round_edges(prediction.box),
        "score": None if score is None else _round_digits(score),
    }


def _from_json(entry: Mapping[str, Any]) -> FacePrediction:
    score = entry["score"]
    return FacePrediction(
        str(entry["label"]),
        tuple(float(value) for value in entry["probabilities"]),
        _edges(entry["box"]),
        None if score is None else float(score),
    )


def _round_digits(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _round_edges(box: Edges) -> list[float]:
    return [float(np.round(edge, 2)) for edge in box]


def _edges(values: Sequence[float]) -> Edges:
    x_min, y_min, x_max, y_max = (float(value) for value in values)
    return x_min, y_min, x_max, y_max
