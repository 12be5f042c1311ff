"""Bootstrap intervals: what they must cover, that they repeat, and that they are quick."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest

from fer_det.evaluation.intervals import percentile_interval, resample_counts


def right_and_wrong(right: int, wrong: int) -> np.ndarray:
    """A picture a row: [1, 0] for a right answer, [0, 1] for a wrong one."""
    return np.repeat(np.eye(2, dtype=np.int64), [right, wrong], axis=0)


def test_each_resample_holds_as_many_pictures_as_there_are():
    drawn = resample_counts(right_and_wrong(30, 20), 500, 0)
    assert drawn.shape == (500, 2)
    assert drawn.dtype == np.int64
    assert (drawn.sum(axis=1) == 50).all()
    assert len(np.unique(drawn[:, 0])) > 5


def test_the_seed_decides_and_the_order_of_pictures_does_not():
    counts = np.random.default_rng(3).integers(0, 3, (60, 5))
    again = resample_counts(counts[::-1], 200, 7)
    np.testing.assert_array_equal(resample_counts(counts, 200, 7), again)
    assert (resample_counts(counts, 200, 8) != again).any()


def test_faces_of_one_picture_are_drawn_together():
    # Ten pictures with three right faces each and ten with three wrong ones.
    drawn = resample_counts(3 * right_and_wrong(10, 10), 300, 0)
    assert (drawn % 3 == 0).all()
    # Sampling 20 pictures: sd of right faces 3 * sqrt(20 / 4) = 6.7, not sqrt(60 / 4) = 3.9.
    assert drawn[:, 0].std() == pytest.approx(6.7, abs=0.8)


def test_the_spread_is_that_of_drawing_indices():
    """The oracle: the plain bootstrap that draws picture indices, on three cells."""
    rng = np.random.default_rng(5)
    counts = rng.multinomial(1, [0.6, 0.3, 0.1], size=80)
    plain = counts[rng.integers(0, 80, (20_000, 80))].sum(axis=1)
    ours = resample_counts(counts, 20_000, 1)
    # Standard errors of the two means and covariances are below 0.04 and 0.25.
    np.testing.assert_allclose(ours.mean(axis=0), plain.mean(axis=0), atol=0.2)
    np.testing.assert_allclose(np.cov(ours.T), np.cov(plain.T), atol=1.2)


def test_coverage_of_a_binomial_share_is_near_95_percent():
    """400 test sets of 200 pictures with accuracy 0.8; the interval should hold 0.8 in ~380."""
    rng = np.random.default_rng(11)
    held = 0
    for trial, right in enumerate(rng.binomial(200, 0.8, size=400)):
        drawn = resample_counts(right_and_wrong(right, 200 - right), 400, trial)
        low, high = percentile_interval(drawn[:, 0] / 200)
        held += low <= 0.8 <= high
    # sd of the share is 0.011, and the percentile bootstrap is known to fall a little short.
    assert 0.915 <= held / 400 <= 0.98


def test_the_interval_is_as_wide_as_the_binomial_one():
    drawn = resample_counts(right_and_wrong(600, 400), 4000, 0)
    low, high = percentile_interval(drawn[:, 0] / 1000)
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


def test_two_thousand_resamples_of_rafdb_size_are_quick():
    # Every picture of another kind is the worst case; it takes about half a second.
    counts = np.random.default_rng(0).integers(0, 2, (3068, 56))
    began = time.perf_counter()
    resample_counts(counts, 2000, 0)
    assert time.perf_counter() - began < 10
