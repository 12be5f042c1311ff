"""ScoredPicture refuses arrays that do not fit and states what it expected and found."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from fake_data.scored_pictures import one_hot, scored_picture

BOX = (10.0, 10.0, 50.0, 50.0)
WHOLE = scored_picture(
    "p1", [(BOX, 4)], [(BOX, 0.9, one_hot(4)), (BOX, 0.8, one_hot(7))], [BOX], [one_hot(4)]
)


def test_classes_of_the_boxes():
    assert WHOLE.class_count == 7
    assert WHOLE.box_classes.tolist() == [4, 7]


def test_a_picture_may_be_empty():
    assert scored_picture("empty").box_classes.shape == (0,)


@pytest.mark.parametrize(
    ("changes", "expected", "found"),
    [
        ({"width": 0}, "size expected at least 1 x 1", "0 x 100"),
        ({"truth_boxes": np.zeros((1, 5))}, r"truth_boxes expected \[1, 4\]", r"\[1, 5\]"),
        ({"truth_boxes": np.array([[9.0, 9, 9, 20]])}, "min edges below max", r"\[9.0, 9.0, 9.0"),
        ({"boxes": np.array([BOX, (5, 5, 4, 9)])}, "boxes expected min edges", r"\[5.0, 5.0, 4.0"),
        ({"boxes": np.array([BOX, (5, 5, np.nan, 9)])}, "boxes expected finite", "nan"),
        ({"boxes": np.array([BOX])}, r"probabilities expected \[1, 7\]", r"\[2, 7\]"),
        ({"ignore_boxes": np.zeros(4)}, r"ignore_boxes expected \[4, 4\]", r"\[4\]"),
        ({"scores": np.array([0.9])}, r"scores expected \[2\]", r"\[1\]"),
        ({"scores": np.array([0.9, 1.1])}, "scores expected 0..1", "0.9..1.1"),
        ({"scores": np.array([0.9, np.nan])}, "scores expected 0..1", "NaN"),
        ({"truth_labels": np.array([4, 4])}, r"truth_labels expected \[1\]", r"\[2\]"),
        ({"truth_labels": np.array([0])}, r"truth_labels expected 1..7", r"\[0\]"),
        ({"truth_labels": np.array([8])}, r"truth_labels expected 1..7", r"\[8\]"),
        ({"truth_labels": np.array([4.0])}, "truth_labels expected int64", "float64"),
        ({"probabilities": np.full((2, 7), 0.1)}, "rows that sum to 1", "0.7000"),
        ({"truth_probabilities": np.full((2, 7), 1 / 7)}, r"\[1, 7\]", r"\[2, 7\]"),
        ({"truth_probabilities": np.full((1, 6), 1 / 6)}, r"\[1, 7\]", r"\[1, 6\]"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes, expected, found):
    with pytest.raises(ValueError, match=f"^p1: .*{expected}.*found .*{found}"):
        dataclasses.replace(WHOLE, **changes)


def test_softmax_rounded_to_bfloat16_still_sums_to_one():
    row = np.array([one_hot(4), one_hot(7)]) * 0.996
    assert dataclasses.replace(WHOLE, probabilities=row).class_count == 7
