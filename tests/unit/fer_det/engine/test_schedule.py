import math

import pytest

from fer_det.engine.schedule import learning_rate

PEAK, TOTAL, WARMUP = 0.4, 100, 8


def rate(step: int, total: int = TOTAL, warmup: int = WARMUP) -> float:
    return learning_rate(PEAK, step, total, warmup)


def test_warm_up_is_a_line_to_the_peak() -> None:
    assert [rate(step) for step in range(8)] == pytest.approx(
        [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4]
    )


def test_then_half_a_cosine_to_nothing() -> None:
    assert rate(8) == pytest.approx(PEAK)
    # A quarter, a half and three quarters of the 92 steps that are left.
    assert rate(8 + 23) == pytest.approx(PEAK * (1 + math.sqrt(0.5)) / 2)
    assert rate(8 + 46) == pytest.approx(PEAK / 2)
    assert rate(8 + 69) == pytest.approx(PEAK * (1 - math.sqrt(0.5)) / 2)
    assert 0 < rate(99) < 0.001 * PEAK
    assert rate(100) == pytest.approx(0, abs=1e-12)
    falling = [rate(step) for step in range(8, 101)]
    assert falling == sorted(falling, reverse=True)


def test_warm_up_takes_a_tenth_at_most() -> None:
    assert rate(4, total=50, warmup=200) == pytest.approx(PEAK)
    assert rate(0, total=50, warmup=200) == pytest.approx(PEAK / 5)


@pytest.mark.parametrize("warmup", [0, 200])
def test_shortest_runs(warmup: int) -> None:
    assert rate(0, total=1, warmup=warmup) == pytest.approx(PEAK)
    assert rate(0, total=3, warmup=warmup) == pytest.approx(PEAK)
    assert 0 < rate(2, total=3, warmup=warmup) < PEAK


def test_no_warm_up() -> None:
    assert rate(0, warmup=0) == PEAK
