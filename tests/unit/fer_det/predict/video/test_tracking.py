from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.predict.video.frames import Frame
from fer_det.predict.video.tracking import FrameRate, TrackedFrame, track_video

HAPPY, ANGRY = Expression.HAPPINESS, Expression.ANGER


def frames(shares: list[float | None]) -> Iterator[Frame]:
    """A frame each 0.04 s, whose first pixel is the stub's answer; None for no face."""
    for number, share in enumerate(shares):
        pixels = np.zeros((8, 8, 3), np.uint8)
        pixels[0, 0, 0] = 255 if share is None else round(100 * share)
        yield Frame(number, number / 25, pixels)


class Predictor:
    """Answers with the frame's first pixel, always in the same box."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.asked: set[float] = set()

    def __call__(self, picture: Any, min_score: float, batch_size: int) -> list[list[Detection]]:
        self.batches.append(len(picture))
        self.asked.add(min_score)
        return [self._faces(int(pixels[0, 0, 0]), 0.9) for pixels in picture]

    def _faces(self, share: int, score: float) -> list[Detection]:
        if share == 255:
            return []
        return [Detection(FaceBox(0, 0, 5, 5), score, {HAPPY: share / 100, ANGRY: 1 - share / 100})]


def seen(shares: list[float | None], smoothing: float = 0.5) -> list[TrackedFrame]:
    return list(track_video(frames(shares), Predictor(), 0.5, smoothing, batch_size=4))


def test_every_frame_comes_out_in_order() -> None:
    predictor = Predictor()
    found = list(track_video(frames([1.0] * 10), predictor, 0.25, 0.5, batch_size=4))
    assert [each.frame.number for each in found] == list(range(10))
    assert predictor.batches == [4, 4, 2]
    # Half of it: lower scores continue tracks.
    assert predictor.asked == {0.125}


def test_a_label_that_flickers_frame_by_frame_is_steady() -> None:
    flickering: list[float | None] = [0.9, 0.2, 0.8, 0.9, 0.1, 0.9, 0.8, 0.3, 0.9, 0.9] * 5
    found = seen(flickering)
    assert {each.faces[0].label for each in found} == {HAPPY}
    assert {each.faces[0].number for each in found} == {1}
    assert len({each.faces[0].detection.expression for each in found}) == 2
    for each in found:
        assert sum(each.faces[0].smoothed.probabilities.values()) == pytest.approx(1)


def test_a_change_that_lasts_is_followed() -> None:
    shares: list[float | None] = [1.0] * 50 + [0.0] * 50
    labels = [each.faces[0].label for each in seen(shares)]
    assert labels[:50] == [HAPPY] * 50
    assert labels[75:] == [ANGRY] * 25
    assert sum(a != b for a, b in pairwise(labels)) == 1


def test_without_smoothing_each_frame_speaks_for_itself() -> None:
    shares: list[float | None] = [0.9, 0.45, 0.55, 0.1]
    labels = [each.faces[0].label for each in seen(shares, smoothing=0.0)]
    assert labels == [HAPPY, ANGRY, HAPPY, ANGRY]


def test_a_short_gap_keeps_number_and_label_and_a_long_one_does_not() -> None:
    shares: list[float | None] = [1.0] * 25 + [None] * 10 + [0.4] + [None] * 50 + [0.4]
    found = seen(shares)
    after_short, after_long = found[35].faces[0], found[-1].faces[0]
    assert found[30].faces == ()
    assert (after_short.number, after_short.label) == (1, HAPPY)
    assert (after_long.number, after_long.label) == (2, ANGRY)


class TestRate:
    def test_frames_a_second(self) -> None:
        rate = FrameRate()
        assert rate.tick(100.0) == 0
        assert rate.tick(100.0) == 0
        for frame in range(1, 101):
            per_second = rate.tick(100.0 + frame / 20)
        assert per_second == pytest.approx(20, rel=0.05)

    def test_only_the_last_seconds_count(self) -> None:
        rate = FrameRate()
        for frame in range(100):
            rate.tick(frame / 50)
        for frame in range(30):
            per_second = rate.tick(2.0 + frame / 5)
        assert per_second == pytest.approx(5, rel=0.05)

    def test_a_slow_machine_still_gets_a_figure(self) -> None:
        rate = FrameRate()
        rate.tick(0.0)
        assert rate.tick(10.0) == pytest.approx(0.1)
        assert rate.tick(20.0) == pytest.approx(0.1)
