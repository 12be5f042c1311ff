"""The labelled faces and the detections of one picture: what an evaluation is computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.floating[Any]]
IntArray: TypeAlias = NDArray[np.int64]

PROBABILITY_SUM_TOLERANCE = 1e-2
"""Softmax in bfloat16 rounds each output by up to 0.2 %."""


@dataclass(frozen=True, eq=False)
class ScoredPicture:
    """T labelled faces, M faces without label and N detections of one picture, for C expressions.

    Boxes are (x_min, y_min, x_max, y_max) in float pixels from 0, max edges exclusive.

    The order of the detections matters where scores are equal: everywhere in the evaluation
    detections are ranked by falling score, and equal scores keep the order given here, which is
    the detector's own.

    Raises ValueError for an array of another shape, dtype or range; the message states what was
    expected and found.
    """

    image_id: str
    width: int
    height: int
    truth_boxes: FloatArray
    """[T, 4], the labelled faces; usually one."""
    truth_labels: IntArray
    """[T] int64 in 1..C."""
    ignore_boxes: FloatArray
    """[M, 4], faces of unknown expression; a detection of one is neither correct nor wrong."""
    boxes: FloatArray
    """[N, 4], the detections, in the detector's order."""
    scores: FloatArray
    """[N], 0..1, the probability that the box contains a face."""
    probabilities: FloatArray
    """[N, C], of each expression, given that the box is a face; each row sums to 1."""
    truth_probabilities: FloatArray | None = None
    """[T, C], the same for `truth_boxes`, from the box head; None where it was not run."""

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            self._fail("size", "at least 1 x 1", f"{self.width} x {self.height}")
        classes = self._check_probabilities("probabilities", len(self.boxes), None)
        self._check_boxes("boxes", may_be_empty=True)
        self._check_boxes("truth_boxes", may_be_empty=False)
        self._check_boxes("ignore_boxes", may_be_empty=True)
        self._check_labels(classes)
        self._check_shape("scores", self.scores, (len(self.boxes),))
        self._check_range("scores", self.scores)
        if self.truth_probabilities is not None:
            self._check_probabilities("truth_probabilities", len(self.truth_boxes), classes)

    @property
    def class_count(self) -> int:
        """C."""
        return int(self.probabilities.shape[1])

    @property
    def box_classes(self) -> IntArray:
        """[N] int64 in 1..C, the most probable expression of each box."""
        return most_probable(self.probabilities)

    def _check_boxes(self, name: str, may_be_empty: bool) -> None:
        boxes = getattr(self, name)
        self._check_shape(name, boxes, (len(boxes), 4))
        if not np.isfinite(boxes).all():
            self._fail(name, "finite edges", _first_row(boxes, ~np.isfinite(boxes).all(axis=1)))
        sides = boxes[:, 2:] - boxes[:, :2]
        wrong = (sides < 0).any(axis=1) if may_be_empty else (sides <= 0).any(axis=1)
        if wrong.any():
            self._fail(name, "min edges below max edges", _first_row(boxes, wrong))

    def _check_labels(self, classes: int) -> None:
        labels = self.truth_labels
        self._check_shape("truth_labels", labels, (len(self.truth_boxes),))
        if labels.dtype != np.int64:
            self._fail("truth_labels", "int64", str(labels.dtype))
        if ((labels < 1) | (labels > classes)).any():
            self._fail("truth_labels", f"1..{classes}", str(labels.tolist()))

    def _check_probabilities(self, name: str, rows: int, classes: int | None) -> int:
        """Check an [rows, C] array and return its C."""
        values = getattr(self, name)
        if values.ndim != 2 or values.shape[1] == 0:
            self._fail(name, f"[{rows}, C]", _shape_text(values.shape))
        self._check_shape(name, values, (rows, values.shape[1] if classes is None else classes))
        self._check_range(name, values)
        sums = values.sum(axis=1)
        wrong = np.abs(sums - 1) > PROBABILITY_SUM_TOLERANCE
        if wrong.any():
            self._fail(name, "rows that sum to 1", f"a sum of {sums[wrong][0]:.4f}")
        return int(values.shape[1])

    def _check_shape(self, name: str, values: NDArray[Any], shape: tuple[int, ...]) -> None:
        if values.shape != shape:
            self._fail(name, _shape_text(shape), _shape_text(values.shape))

    def _check_range(self, name: str, values: FloatArray) -> None:
        # NaN fails this comparison too.
        if not ((values >= 0) & (values <= 1)).all():
            found = "NaN" if np.isnan(values).any() else f"{values.min():.4g}..{values.max():.4g}"
            self._fail(name, "0..1", found)

    def _fail(self, name: str, expected: str, found: str) -> None:
        raise ValueError(f"{self.image_id}: {name} expected {expected}, found {found}")


def most_probable(probabilities: FloatArray) -> IntArray:
    """[N, C] -> [N] int64 in 1..C; of equal probabilities the lowest class number."""
    return np.asarray(probabilities.argmax(axis=1) + 1, np.int64)


def _shape_text(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, shape))}]"


def _first_row(boxes: FloatArray, wrong: NDArray[np.bool_]) -> str:
    return str(boxes[wrong][0].tolist())
