import pytest

from fer_det.predict.video.rate import FrameRate


def test_frames_a_second() -> None:
    rate = FrameRate()
    assert rate.tick(100.0) == 0
    assert rate.tick(100.0) == 0
    for frame in range(1, 101):
        told = rate.tick(100.0 + frame / 20)
    assert told == pytest.approx(20, rel=0.05)


def test_only_the_last_seconds_count() -> None:
    rate = FrameRate()
    for frame in range(100):
        rate.tick(frame / 50)
    for frame in range(30):
        told = rate.tick(2.0 + frame / 5)
    assert told == pytest.approx(5, rel=0.05)


def test_a_slow_machine_still_gets_a_figure() -> None:
    rate = FrameRate()
    rate.tick(0.0)
    assert rate.tick(10.0) == pytest.approx(0.1)
    assert rate.tick(20.0) == pytest.approx(0.1)
