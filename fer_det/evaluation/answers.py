"""What was answered for each labelled face, rule by rule: what figures are drawn from again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from fer_det.evaluation.matching import answer_gt_box, iou_matrix, matched_boxes, top1_boxes
from fer_det.evaluation.picture import ScoredPicture

Edges: TypeAlias = tuple[float, float, float, float]

RULES = ("top1", "matched", "gt_box")

_DIGITS = 6
"""Significant ones of a probability in a file."""


@dataclass(frozen=True)
class FaceAnswer:
    """One rule's answer for one face."""

    label: str
    probabilities: tuple[float, ...]
    """[C], given that it is a face; `label` is the most probable."""
    box: Edges
    """Where it was seen; the labelled face's own box by `gt_box`."""
    score: float | None
    """Probability that the box holds a face; None by `gt_box`, where nobody asked."""

    @property
    def confidence(self) -> float:
        """The probability of `label`."""
        return max(self.probabilities)


@dataclass(frozen=True)
class FaceRecord:
    """One labelled face and its answers; boxes as everywhere, in the picture's pixels."""

    image_id: str
    face: int
    """Which of the picture's labelled faces, from 0."""
    size: tuple[int, int]
    """Width and height of the picture."""
    label: str
    box: Edges
    answers: Mapping[str, FaceAnswer | None]
    """By the rules that were scored; None where no box answers."""

    def is_right(self, rule: str) -> bool:
        """Whether that rule names the face's label."""
        answer = self.answers[rule]
        return answer is not None and answer.label == self.label

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "id": self.image_id,
            "face": self.face,
            "size": list(self.size),
            "label": self.label,
            "box": _rounded(self.box),
            "answers": {name: answer and _plain(answer) for name, answer in self.answers.items()},
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> FaceRecord:
        """What `to_json` wrote; KeyError, TypeError or ValueError for anything else."""
        width, height = plain["size"]
        return cls(
            str(plain["id"]),
            int(plain["face"]),
            (int(width), int(height)),
            str(plain["label"]),
            _edges(plain["box"]),
            {name: answer and _from_plain(answer) for name, answer in plain["answers"].items()},
        )


def face_records(
    pictures: Sequence[ScoredPicture], classes: Sequence[str], rules: Sequence[str]
) -> Iterator[FaceRecord]:
    """A record of each labelled face, in the order of the pictures; `rules` of RULES."""
    for picture in pictures:
        iou = iou_matrix(picture.boxes, picture.truth_boxes)
        chosen = {
            "top1": top1_boxes(iou, picture.scores),
            "matched": matched_boxes(iou, picture.scores),
        }
        for face, label in enumerate(picture.truth_labels.tolist()):
            yield FaceRecord(
                picture.image_id,
                face,
                (picture.width, picture.height),
                classes[label - 1],
                _edges(picture.truth_boxes[face].tolist()),
                {
                    rule: _given_answer(picture, face, classes)
                    if rule == "gt_box"
                    else _found_answer(picture, int(chosen[rule][face]), classes)
                    for rule in rules
                },
            )


def _found_answer(picture: ScoredPicture, index: int, classes: Sequence[str]) -> FaceAnswer | None:
    if index < 0:
        return None
    return FaceAnswer(
        classes[picture.box_classes[index] - 1],
        tuple(picture.probabilities[index].tolist()),
        _edges(picture.boxes[index].tolist()),
        float(picture.scores[index]),
    )


def _given_answer(picture: ScoredPicture, face: int, classes: Sequence[str]) -> FaceAnswer:
    label = classes[int(answer_gt_box(picture)[face]) - 1]
    assert picture.truth_probabilities is not None
    row, own = picture.truth_probabilities[face].tolist(), picture.truth_boxes[face].tolist()
    return FaceAnswer(label, tuple(row), _edges(own), None)


def _plain(answer: FaceAnswer) -> dict[str, Any]:
    return {
        "label": answer.label,
        "probabilities": [float(f"{value:.{_DIGITS}g}") for value in answer.probabilities],
        "box": _rounded(answer.box),
        "score": None if answer.score is None else float(f"{answer.score:.{_DIGITS}g}"),
    }


def _from_plain(plain: Mapping[str, Any]) -> FaceAnswer:
    score = plain["score"]
    return FaceAnswer(
        str(plain["label"]),
        tuple(float(value) for value in plain["probabilities"]),
        _edges(plain["box"]),
        None if score is None else float(score),
    )


def _rounded(box: Edges) -> list[float]:
    return [float(np.round(edge, 2)) for edge in box]


def _edges(values: Sequence[float]) -> Edges:
    x_min, y_min, x_max, y_max = (float(value) for value in values)
    return x_min, y_min, x_max, y_max
