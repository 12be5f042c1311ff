import numpy as np
import pytest

from fer_det.data.label_targets import LabelTargets

SHARES = np.array([0.5, 0.3, 0.2, 0.0], np.float32)


def test_soft_labels_are_the_votes() -> None:
    assert np.array_equal(LabelTargets().apply(SHARES, 1, 0), SHARES)


def test_hard_labels_are_the_most_voted_class() -> None:
    assert LabelTargets("hard").apply(SHARES, 1, 0).tolist() == [1, 0, 0, 0]


def test_sampled_labels_have_the_votes_shares() -> None:
    drawn = np.stack([LabelTargets("sampled").apply(SHARES, 1, seed) for seed in range(2000)])
    assert set(drawn.sum(1)) == {1.0}
    assert set(drawn.ravel()) == {0.0, 1.0}
    assert drawn.mean(0) == pytest.approx(SHARES, abs=0.04)
    assert np.array_equal(drawn[7], LabelTargets("sampled").apply(SHARES, 1, 7))


def test_smoothing_spreads_a_part_evenly() -> None:
    smooth = LabelTargets(smoothing=0.1).apply(SHARES, 1, 0)
    assert smooth == pytest.approx(0.9 * SHARES + 0.025)
    assert smooth.dtype == np.float32


def test_partners_and_shares_of_mixup() -> None:
    assert LabelTargets().partner(10, 0) is None
    drawn = [LabelTargets(mixup=0.4).partner(10, seed) for seed in range(500)]
    pairs = [pair for pair in drawn if pair is not None]
    assert len(pairs) == 500
    assert {index for index, _ in pairs} == set(range(10))
    shares = np.array([share for _, share in pairs])
    assert shares.min() >= 0.5
    # A beta distribution with a small parameter lies near its ends.
    assert np.median(shares) > 0.85
