"""Calibration error, and temperature scaling, which must not make it worse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from fer_det.evaluation.calibration import (
    RANGE,
    apply_temperature,
    expected_error,
    fit_temperature,
    fit_unknown,
    measure_calibration,
    reliability,
)

CLASSES = 7


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


class TestExpectedError:
    def test_by_hand(self) -> None:
        # 0.8 twice and correct once, 0.75 correct: one bin; 1.0 and correct: a bin without error.
        confidence = np.array([0.8, 0.8, 0.75, 1.0, 1.0])
        bins = reliability(confidence, np.array([True, False, True, True, True]))
        filled = {(each.low, each.high): each for each in bins if each.count}
        counts = {edges: each.count for edges, each in filled.items()}
        assert counts == {(0.7, 0.8): 3, (0.9, 1.0): 2}
        assert filled[0.7, 0.8].confidence == pytest.approx((0.8 + 0.8 + 0.75) / 3)
        assert filled[0.7, 0.8].accuracy == pytest.approx(2 / 3)
        assert expected_error(bins) == pytest.approx(3 / 5 * (2.35 / 3 - 2 / 3))

    def test_each_confidence_is_in_one_bin(self) -> None:
        bins = reliability(np.linspace(0.005, 0.995, 100), np.ones(100, np.bool_))
        assert [each.count for each in bins] == [10] * 10
        ends = reliability(np.array([0.0, 1.0]), np.ones(2, np.bool_))
        assert [each.count for each in ends] == [1, *[0] * 8, 1]

    def test_without_predictions_there_is_no_error(self) -> None:
        empty = measure_calibration(np.empty(0), np.empty(0, np.bool_), 2.0)
        assert (empty.ece, empty.ece_untempered) == (None, None)
        assert sum(each.count for each in empty.bins) == 0

    def test_is_measured_with_and_without_temperature(self) -> None:
        rng = np.random.default_rng(2)
        rows = softmax(rng.normal(0, 2, (200, CLASSES)))
        correct = rng.random(200) < 0.7
        plain = measure_calibration(rows, correct)
        assert plain.ece == plain.ece_untempered
        scaled = measure_calibration(apply_temperature(rows, 2.0), correct, 2.0)
        assert scaled.ece_untempered == pytest.approx(plain.ece)
        assert scaled.ece != pytest.approx(plain.ece)


class TestApply:
    def test_is_the_softmax_of_divided_logits(self) -> None:
        logits = np.array([[2.0, -1.0, 0.5]])
        assert apply_temperature(softmax(logits), 3.0) == pytest.approx(softmax(logits / 3))

    def test_one_returns_the_same_array(self) -> None:
        rows = np.array([[0.25, 0.75]], np.float32)
        assert apply_temperature(rows, 1.0) is rows

    def test_the_inverse_restores_the_probabilities(self) -> None:
        rows = np.array([[0.2, 0.3, 0.5], [0.0, 0.1, 0.9]])
        assert apply_temperature(apply_temperature(rows, 2.5), 1 / 2.5) == pytest.approx(rows)

    def test_accepts_no_rows_and_probabilities_of_zero(self) -> None:
        assert apply_temperature(np.empty((0, 7), np.float32), 2.0).shape == (0, 7)
        assert apply_temperature(np.array([[0.0, 1.0]]), 2.0).tolist() == [[0.0, 1.0]]

    @given(
        seed=st.integers(0, 2**32 - 1),
        spread=st.floats(0, 30),
        temperature=st.floats(*RANGE),
    )
    def test_the_most_probable_class_stays(
        self, seed: int, spread: float, temperature: float
    ) -> None:
        rng = np.random.default_rng(seed)
        rows = softmax(rng.normal(0, spread, (5, CLASSES))).astype(np.float32)
        # The next larger float32 is the smallest possible lead.
        rows[0, 5] = np.nextafter(rows[0].max(), np.float32(1))
        assert (apply_temperature(rows, temperature).argmax(axis=1) == rows.argmax(axis=1)).all()


def simulate(
    faces: int, temperature: float, seed: int, spread: float = 2.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return true probabilities, labels sampled from them, and what a model reports.

    The model's logits are the true ones times `temperature`, which therefore calibrates it.
    """
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, spread, (faces, CLASSES))
    true = softmax(logits)
    labels = (true.cumsum(axis=1) < rng.random((faces, 1))).sum(axis=1).clip(max=CLASSES - 1) + 1
    return true, labels.astype(np.int64), softmax(temperature * logits)


class TestFit:
    @pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
    def test_finds_the_temperature_of_the_simulation(self, temperature: float) -> None:
        _, labels, rows = simulate(4000, temperature, seed=0)
        assert fit_temperature(rows, labels) == pytest.approx(temperature, rel=0.05)

    def test_many_faces_outweigh_the_prior(self) -> None:
        _, labels, rows = simulate(3000, 3.0, seed=1)

        def likelihood(temperature: float) -> float:
            scaled = apply_temperature(rows, temperature)
            return float(-np.log(scaled[np.arange(len(labels)), labels - 1]).mean())

        best = minimize_scalar(likelihood, bounds=RANGE, method="bounded").x
        assert fit_temperature(rows, labels) == pytest.approx(best, rel=0.01)

    def test_few_faces_are_shrunk_towards_one(self) -> None:
        fitted = []
        for faces in (20, 60, 200, 2000):
            _, labels, rows = simulate(faces, 4.0, seed=2)
            fitted.append(fit_temperature(rows, labels))
        assert 1 < fitted[0] < fitted[-1] < 4.2
        assert fitted[-1] > 3.5

    def test_a_calibrated_model_keeps_one_unless_its_faces_reject_it(self) -> None:
        kept = [
            fit_temperature(rows, labels) == 1
            for _, labels, rows in (simulate(80, 1.0, seed) for seed in range(40))
        ]
        # 95 % are expected, since the test is at 5 %.
        assert sum(kept) >= 34

    @pytest.mark.parametrize("faces", [40, 80])
    def test_a_model_that_is_always_correct_stays_as_it_is(self, faces: int) -> None:
        """The demo: 80 faces, ECE 0.007; adding one face's worth of doubt made 0.041 of it."""
        rows = np.tile([0.993, *[0.007 / 6] * 6], (faces, 1))
        assert fit_temperature(rows, np.full(faces, 1)) == 1

    def test_always_being_correct_does_not_make_the_confidence_unlimited(self) -> None:
        rows = np.tile([0.9, 0.05, 0.05], (200, 1))
        temperature = fit_temperature(rows, np.full(200, 1))
        assert 0.3 < temperature < 0.6
        assert 1 - apply_temperature(rows, temperature)[0, 0] > 1 / 1000

    def test_random_labels_raise_the_temperature(self) -> None:
        _, _, rows = simulate(500, 4.0, seed=3)
        labels = np.random.default_rng(5).integers(1, 8, 500)
        assert fit_temperature(rows, labels) > 5

    def test_no_faces(self) -> None:
        assert fit_temperature(np.empty((0, 7)), np.empty(0, np.int64)) == 1

    def test_a_label_of_probability_zero(self) -> None:
        temperature = fit_temperature(np.array([[0.0, 1.0]]), np.array([1]))
        assert RANGE[0] < temperature < RANGE[1]


@pytest.mark.parametrize("spread", [2.0, 6.0], ids=["hard", "easy"])
@pytest.mark.parametrize("faces", [40, 80, 300])
@pytest.mark.parametrize("temperature", [0.6, 1.0, 1.5, 2.5])
def test_the_expected_calibration_improves_or_stays(
    temperature: float, faces: int, spread: float
) -> None:
    """Mean ECE over 20 validation splits, on 5,000 other faces whose true accuracy is known."""
    true, _, rows = simulate(5000, temperature, seed=99, spread=spread)
    predicted = rows.argmax(axis=1)
    accuracy = true[np.arange(len(true)), predicted]

    def ece(scale: float) -> float:
        confidence = apply_temperature(rows, scale).max(axis=1)
        place = np.clip(np.ceil(confidence * 10).astype(int) - 1, 0, 9)
        return float(np.abs(np.bincount(place, confidence - accuracy)).sum() / len(true))

    fitted = [
        fit_temperature(given, labels)
        for _, labels, given in (simulate(faces, temperature, s, spread) for s in range(20))
    ]
    before, after = ece(1.0), float(np.mean([ece(each) for each in fitted]))
    assert after <= before + 0.01
    if faces == 300 and before > 0.05:
        assert after < before / 2


class TestUnknown:
    CONFIDENCE = np.array([0.9, 0.8, 0.7, 0.6, 0.6, 0.5])

    def fit(self, right: list[bool], error: float) -> tuple[float, float, float]:
        rows = np.zeros((len(right), CLASSES))
        rows[:, 2] = self.CONFIDENCE[: len(right)]
        rows[:, 3] = 1 - rows[:, 2] - 1e-9
        rows[rows[:, 3] > rows[:, 2], 3] = 0.0
        return fit_unknown(rows, np.where(right, 3, 1), error)

    def test_lowest_threshold_that_keeps_the_error(self) -> None:
        right = [True, True, True, False, True, False]
        # Both faces of 0.6 are answered, or neither.
        assert self.fit(right, 0.2) == (0.6, pytest.approx(0.2), pytest.approx(5 / 6))
        assert self.fit(right, 0.0) == (0.7, 0.0, 0.5)

    def test_all_are_answered_where_all_may_be(self) -> None:
        assert self.fit([True] * 6, 0.1) == (0.0, 0.0, 1.0)

    def test_half_of_the_faces_stay_answered(self) -> None:
        threshold, error, share = self.fit([False] * 6, 0.1)
        assert (threshold, error, share) == (0.7, 1.0, 0.5)

    def test_no_faces(self) -> None:
        assert fit_unknown(np.empty((0, CLASSES)), np.empty(0, np.int64), 0.1) == (0.0, 0.0, 1.0)
