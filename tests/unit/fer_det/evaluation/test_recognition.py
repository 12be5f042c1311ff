"""Confusion and its measures, by arithmetic that is shown."""

from __future__ import annotations

import numpy as np
import pytest

from fer_det.evaluation.recognition import (
    confusion_by_picture,
    confusion_matrix,
    faces_by_class,
    measure,
    measure_all_listed,
)

# Truth 1: 3 right, 1 taken for 2.  Truth 2: 1 right, 1 missed.  Truth 3: no faces.
TRUTH = np.array([1, 1, 1, 1, 2, 2])
ANSWER = np.array([1, 1, 1, 2, 2, 0])
CONFUSION = np.array([[3, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]])
PRESENT = np.array([True, True, False])


def test_confusion_counts_truth_by_rows_and_misses_in_the_last_column():
    found = confusion_matrix(TRUTH, ANSWER, 3)
    np.testing.assert_array_equal(found, CONFUSION)
    assert found.dtype == np.int64
    assert faces_by_class(found).tolist() == [4, 2, 0]


def test_confusion_by_picture_adds_up_to_the_whole():
    picture = np.array([0, 0, 1, 3, 3, 3])
    found = confusion_by_picture(picture, TRUTH, ANSWER, 4, 3)
    assert found.shape == (4, 3, 4)
    assert found.sum(axis=(1, 2)).tolist() == [2, 1, 0, 3]
    np.testing.assert_array_equal(found.sum(axis=0), CONFUSION)


@pytest.mark.parametrize(
    ("truth", "answer", "name"), [([0], [1], "truth"), ([4], [1], "truth"), ([1], [4], "answer")]
)
def test_labels_out_of_range_do_not_land_in_another_cell(truth, answer, name):
    with pytest.raises(ValueError, match=f"{name} expected"):
        confusion_matrix(np.array(truth), np.array(answer), 3)


def test_measures_by_hand():
    found = measure(CONFUSION, PRESENT, {"second": np.array([False, True, True])})
    assert found.accuracy == 4 / 6
    np.testing.assert_array_equal(found.recall, [3 / 4, 1 / 2, np.nan])
    assert found.mean_recall == (3 / 4 + 1 / 2) / 2
    assert found.miss_rate == 1 / 6
    # F1 = 2 TP / (2 TP + FP + FN): class 1 6/(6+0+1), class 2 2/(2+1+1).
    assert found.macro_f1 == pytest.approx((6 / 7 + 2 / 4) / 2)
    # Of the subset {2, 3} only 2 is present.
    assert found.subset_mean_recall["second"] == 1 / 2


def test_a_class_never_answered_has_f1_zero_and_counts_in_the_mean():
    # Class 2 is always taken for 1: F1 of 1 is 4/(4+1+0), of 2 zero.
    found = measure(np.array([[2, 0, 0], [1, 0, 0]]), np.array([True, True]), {})
    assert found.macro_f1 == pytest.approx((4 / 5 + 0) / 2)


def test_no_faces_give_nan_and_no_warning():
    with np.errstate(all="raise"):
        found = measure(np.zeros((3, 4), np.int64), np.zeros(3, bool), {"all": np.ones(3, bool)})
    for value in (found.accuracy, found.mean_recall, found.macro_f1, found.miss_rate):
        assert np.isnan(value)
    assert np.isnan(found.recall).all()
    assert np.isnan(found.subset_mean_recall["all"])


def test_a_stack_of_matrices_is_measured_one_by_one():
    other = np.array([[4, 0, 0, 0], [1, 0, 0, 1], [0, 0, 0, 0]])
    subsets = {"first": np.array([True, False, False])}
    stack = measure(np.stack([CONFUSION, other]), PRESENT, subsets)
    for place, confusion in enumerate((CONFUSION, other)):
        alone = measure(confusion, PRESENT, subsets)
        for name in ("accuracy", "recall", "mean_recall", "macro_f1", "miss_rate"):
            np.testing.assert_array_equal(getattr(stack, name)[place], getattr(alone, name))
        assert stack.subset_mean_recall["first"][place] == alone.subset_mean_recall["first"]


def test_a_matrix_that_lost_a_class_has_no_mean_over_classes():
    lost = np.array([[3, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    found = measure(lost, PRESENT, {})
    assert np.isnan(found.mean_recall)
    assert np.isnan(found.macro_f1)
    assert found.accuracy == 3 / 4


def test_faces_listed_and_never_scored_are_errors():
    # 4 of the 6 scored are right; 8 were listed, by class 4, 2 and 2.
    accuracy, mean_recall = measure_all_listed(CONFUSION, np.array([4, 2, 2]))
    assert accuracy == 4 / 8
    assert mean_recall == pytest.approx((3 / 4 + 1 / 2 + 0) / 3)
