"""Confusion matrices, measures and bootstrap intervals, compared with arithmetic by hand."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from fer_det.evaluation.recognition import (
    confusion_by_picture,
    confusion_matrix,
    faces_by_class,
    measure,
    measure_all_listed,
    percentile_interval,
    resample_counts,
)

# Class 1: 3 correct, 1 predicted as 2. Class 2: 1 correct, 1 missed. Class 3: no faces.
TRUTH = np.array([1, 1, 1, 1, 2, 2])
PREDICTED = np.array([1, 1, 1, 2, 2, 0])
CONFUSION = np.array([[3, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]])
PRESENT = np.array([True, True, False])


def test_confusion_counts_truth_by_rows_and_misses_in_the_last_column():
    found = confusion_matrix(TRUTH, PREDICTED, 3)
    np.testing.assert_array_equal(found, CONFUSION)
    assert found.dtype == np.int64
    assert faces_by_class(found).tolist() == [4, 2, 0]


def test_confusion_by_picture_adds_up_to_the_whole():
    picture = np.array([0, 0, 1, 3, 3, 3])
    found = confusion_by_picture(picture, TRUTH, PREDICTED, 4, 3)
    assert found.shape == (4, 3, 4)
    assert found.sum(axis=(1, 2)).tolist() == [2, 1, 0, 3]
    np.testing.assert_array_equal(found.sum(axis=0), CONFUSION)


@pytest.mark.parametrize(
    ("truth", "predicted", "name"),
    [([0], [1], "truth"), ([4], [1], "truth"), ([1], [4], "predicted")],
)
def test_labels_out_of_range_are_refused(truth, predicted, name):
    with pytest.raises(ValueError, match=f"{name} expected"):
        confusion_matrix(np.array(truth), np.array(predicted), 3)


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


def test_a_class_never_predicted_has_f1_zero_and_counts_in_the_mean():
    # Class 2 is always predicted as 1: F1 of 1 is 4/(4+1+0), of 2 zero.
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


def test_a_matrix_without_faces_of_a_class_has_no_mean_over_classes():
    without = np.array([[3, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    found = measure(without, PRESENT, {})
    assert np.isnan(found.mean_recall)
    assert np.isnan(found.macro_f1)
    assert found.accuracy == 3 / 4


def test_listed_faces_that_were_not_scored_are_errors():
    # 4 of the 6 scored are correct; 8 were listed, by class 4, 2 and 2.
    accuracy, mean_recall = measure_all_listed(CONFUSION, np.array([4, 2, 2]))
    assert accuracy == 4 / 8
    assert mean_recall == pytest.approx((3 / 4 + 1 / 2 + 0) / 3)


def correct_and_wrong(correct: int, wrong: int) -> np.ndarray:
    """Return a row for each picture: [1, 0] for a correct prediction, [0, 1] for a wrong one."""
    return np.repeat(np.eye(2, dtype=np.int64), [correct, wrong], axis=0)


def test_each_resample_holds_as_many_pictures_as_there_are():
    resampled = resample_counts(correct_and_wrong(30, 20), 500, 0)
    assert resampled.shape == (500, 2)
    assert resampled.dtype == np.int64
    assert (resampled.sum(axis=1) == 50).all()
    assert len(np.unique(resampled[:, 0])) > 5


def test_the_seed_decides_and_the_order_of_pictures_does_not():
    counts = np.random.default_rng(3).integers(0, 3, (60, 5))
    again = resample_counts(counts[::-1], 200, 7)
    np.testing.assert_array_equal(resample_counts(counts, 200, 7), again)
    assert (resample_counts(counts, 200, 8) != again).any()


def test_faces_of_one_picture_are_sampled_together():
    # Ten pictures with three correct faces each and ten with three wrong ones.
    resampled = resample_counts(3 * correct_and_wrong(10, 10), 300, 0)
    assert (resampled % 3 == 0).all()
    # Sampling 20 pictures: sd of correct faces 3 * sqrt(20 / 4) = 6.7, not sqrt(60 / 4) = 3.9.
    assert resampled[:, 0].std() == pytest.approx(6.7, abs=0.8)


def test_the_spread_is_that_of_sampling_indices():
    """The oracle is the plain bootstrap, which samples picture indices."""
    rng = np.random.default_rng(5)
    counts = rng.multinomial(1, [0.6, 0.3, 0.1], size=80)
    plain = counts[rng.integers(0, 80, (20_000, 80))].sum(axis=1)
    ours = resample_counts(counts, 20_000, 1)
    # Standard errors of the two means and covariances are below 0.04 and 0.25.
    np.testing.assert_allclose(ours.mean(axis=0), plain.mean(axis=0), atol=0.2)
    np.testing.assert_allclose(np.cov(ours.T), np.cov(plain.T), atol=1.2)


def test_coverage_of_a_binomial_share_is_near_95_percent():
    """400 test sets of 200 pictures, accuracy 0.8: about 380 intervals should contain 0.8."""
    rng = np.random.default_rng(11)
    held = 0
    for trial, correct in enumerate(rng.binomial(200, 0.8, size=400)):
        resampled = resample_counts(correct_and_wrong(correct, 200 - correct), 400, trial)
        low, high = percentile_interval(resampled[:, 0] / 200)
        held += low <= 0.8 <= high
    # sd of the share is 0.011, and the percentile bootstrap is known to fall a little short.
    assert 0.915 <= held / 400 <= 0.98


def test_the_interval_is_as_wide_as_the_binomial_one():
    resampled = resample_counts(correct_and_wrong(600, 400), 4000, 0)
    low, high = percentile_interval(resampled[:, 0] / 1000)
    # 0.6 -+ 1.96 sqrt(0.6 * 0.4 / 1000) = 0.5696 .. 0.6304
    assert (low, high) == pytest.approx((0.5696, 0.6304), abs=0.004)


def test_percentiles_by_hand():
    values = np.arange(101.0)[:, None] * [1, 2]
    np.testing.assert_allclose(percentile_interval(values), [[2.5, 5], [97.5, 195]])
    np.testing.assert_allclose(percentile_interval(values[:, 0], level=0.5), [25, 75])


def test_resamples_without_a_figure_are_left_out():
    values = np.stack([np.arange(101.0), np.full(101, np.nan)], axis=1)
    values = np.vstack([values, [[np.nan, np.nan]] * 50])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = percentile_interval(values)
    np.testing.assert_allclose(found, [[2.5, np.nan], [97.5, np.nan]])


def test_no_pictures_give_zeros():
    assert resample_counts(np.empty((0, 6), np.int64), 10, 0).tolist() == [[0] * 6] * 10
