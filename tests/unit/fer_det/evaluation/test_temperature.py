"""One number that makes probabilities mean something and never changes which is the largest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from fer_det.evaluation.temperature import RANGE, apply_temperature, fit_temperature


def answers(faces: int, certainty: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from known probabilities, and these made surer by `certainty`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (faces, 7))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(7, p=row) + 1 for row in true])
    told = np.exp(certainty * logits)
    return told / told.sum(axis=1, keepdims=True), labels


def likelihood(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(-np.log(probabilities[np.arange(len(labels)), labels - 1]).mean())


class TestSoften:
    def test_is_the_softmax_of_divided_logits(self) -> None:
        logits = np.array([[2.0, -1.0, 0.5]])
        wanted = np.exp(logits / 3) / np.exp(logits / 3).sum()
        told = apply_temperature(np.exp(logits) / np.exp(logits).sum(), 3.0)
        assert told == pytest.approx(wanted)

    def test_one_gives_the_very_same_array(self) -> None:
        rows = np.array([[0.25, 0.75]], np.float32)
        assert apply_temperature(rows, 1.0) is rows

    def test_goes_back(self) -> None:
        rows = np.array([[0.2, 0.3, 0.5], [0.0, 0.1, 0.9]])
        assert apply_temperature(apply_temperature(rows, 2.5), 1 / 2.5) == pytest.approx(rows)

    def test_takes_no_rows_and_impossible_classes(self) -> None:
        assert apply_temperature(np.empty((0, 7), np.float32), 2.0).shape == (0, 7)
        assert apply_temperature(np.array([[0.0, 1.0]]), 2.0).tolist() == [[0.0, 1.0]]

    @given(
        seed=st.integers(0, 2**32 - 1),
        spread=st.floats(0, 30),
        temperature=st.floats(*RANGE),
    )
    def test_the_winner_stays(self, seed: int, spread: float, temperature: float) -> None:
        rng = np.random.default_rng(seed)
        logits = rng.normal(0, spread, (5, 7))
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        rows = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
        # The next larger number of float32 is the narrowest a winner can win by.
        rows[0, 5] = np.nextafter(rows[0].max(), np.float32(1))
        assert (apply_temperature(rows, temperature).argmax(axis=1) == rows.argmax(axis=1)).all()


class TestFit:
    @pytest.mark.parametrize("certainty", [0.5, 1.0, 2.5])
    def test_finds_what_the_labels_were_drawn_with(self, certainty: float) -> None:
        assert fit_temperature(*answers(4000, certainty)) == pytest.approx(certainty, rel=0.05)

    def test_is_the_minimum_that_scipy_finds(self) -> None:
        rows, labels = answers(2000, 3.0, seed=1)
        found = minimize_scalar(
            lambda t: likelihood(apply_temperature(rows, t), labels), bounds=RANGE, method="bounded"
        )
        # One face's worth of doubt among 2,000.
        assert fit_temperature(rows, labels) == pytest.approx(found.x, rel=0.01)

    def test_being_always_right_is_no_reason_to_be_sure_beyond_measure(self) -> None:
        rows = np.tile([0.9, 0.05, 0.05], (200, 1))
        temperature = fit_temperature(rows, np.full(200, 1))
        assert RANGE[0] < temperature < 1
        # 200 of 200 right: about one in 200 may yet be wrong.
        assert 1 - apply_temperature(rows, temperature)[0, 0] == pytest.approx(1 / 300, rel=0.2)

    def test_guesses_are_softened_as_far_as_it_goes(self) -> None:
        rows, _ = answers(500, 4.0)
        labels = np.random.default_rng(5).integers(1, 8, 500)
        assert fit_temperature(rows, labels) > 5

    def test_no_faces(self) -> None:
        assert fit_temperature(np.empty((0, 7)), np.empty(0, np.int64)) == 1

    def test_an_impossible_label_is_taken(self) -> None:
        assert np.isfinite(fit_temperature(np.array([[0.0, 1.0]]), np.array([1])))
