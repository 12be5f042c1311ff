"""Confidence beside how often it is right."""

from __future__ import annotations

import numpy as np
import pytest
from fake_data.scored_pictures import CLASSES, one_hot, random_pictures, scored_picture

from fer_det.evaluation.answers import face_records
from fer_det.evaluation.calibration import calibrate, expected_error, reliability
from fer_det.evaluation.temperature import apply_temperature

BOX = (0.0, 0.0, 40.0, 40.0)


def test_expected_error_by_hand() -> None:
    # 0.8 twice and right once, 0.75 right: one bin; 1.0 and right: a bin without an error.
    bins = reliability(
        np.array([0.8, 0.8, 0.75, 1.0, 1.0]), np.array([True, False, True, True, True])
    )
    filled = {(each.low, each.high): each for each in bins if each.count}
    assert {edges: each.count for edges, each in filled.items()} == {(0.7, 0.8): 3, (0.9, 1.0): 2}
    assert filled[0.7, 0.8].confidence == pytest.approx((0.8 + 0.8 + 0.75) / 3)
    assert filled[0.7, 0.8].accuracy == pytest.approx(2 / 3)
    assert expected_error(bins) == pytest.approx(3 / 5 * (2.35 / 3 - 2 / 3))


def test_bins_hold_everything_once() -> None:
    confidence = np.linspace(0.005, 0.995, 100)
    bins = reliability(confidence, np.ones(100, np.bool_))
    assert [each.count for each in bins] == [10] * 10
    assert [each.count for each in reliability(np.array([0.0, 1.0]), np.ones(2, np.bool_))] == [
        1,
        *[0] * 8,
        1,
    ]


def test_missed_faces_have_no_confidence() -> None:
    pictures = [
        scored_picture("a", [(BOX, 4)], [(BOX, 0.9, one_hot(4, certainty=0.6))]),
        scored_picture("b", [(BOX, 4)]),
    ]
    told = calibrate(list(face_records(pictures, CLASSES, ["top1"])), "top1")
    assert sum(each.count for each in told.bins) == 1
    assert told.ece == pytest.approx(0.4)


def test_nobody_answered() -> None:
    pictures = [scored_picture("b", [(BOX, 4)])]
    told = calibrate(list(face_records(pictures, CLASSES, ["top1"])), "top1")
    assert (told.ece, told.ece_untempered) == (None, None)


def test_the_error_before_the_temperature_is_that_of_what_was_softened() -> None:
    pictures = random_pictures([20] * 7, seed=2)
    plain = calibrate(list(face_records(pictures, CLASSES, ["gt_box"])), "gt_box")
    for each in pictures:
        object.__setattr__(
            each, "truth_probabilities", apply_temperature(each.truth_probabilities, 2.0)
        )
    soft = calibrate(list(face_records(pictures, CLASSES, ["gt_box"])), "gt_box", 2.0)
    assert soft.ece_untempered == pytest.approx(plain.ece)
    assert soft.ece != pytest.approx(plain.ece)
