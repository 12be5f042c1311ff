import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.predict.video.frames import Frame
from fer_det.predict.video.tracking import (
    FaceTracker,
    FrameRate,
    LabelKeeper,
    Smoother,
    TrackedFrame,
    track_video,
)

HAPPY, ANGRY = Expression.HAPPINESS, Expression.ANGER
SURE_HAPPY = {HAPPY: 1.0, ANGRY: 0.0}
SURE_ANGRY = {HAPPY: 0.0, ANGRY: 1.0}


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

    def __call__(self, picture: Any, min_score: float, batch_size: int) -> list[list[Detection]]:
        self.batches.append(len(picture))
        return [self._faces(int(pixels[0, 0, 0]), min_score) for pixels in picture]

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
    assert found[0].faces[0].detection.score == 0.25


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


def box(left: float, top: float = 0.0) -> FaceBox:
    return FaceBox(left, top, left + 100, top + 100)


class TestTracker:
    def test_faces_keep_their_numbers_whatever_their_order(self) -> None:
        tracker = FaceTracker()
        assert tracker.assign([box(0), box(300)], 0.0) == [1, 2]
        assert tracker.assign([box(310), box(10)], 0.1) == [2, 1]
        assert tracker.assign([box(20), box(320)], 0.2) == [1, 2]

    def test_a_face_that_moves_is_followed_across_the_picture(self) -> None:
        tracker = FaceTracker()
        for step in range(20):
            assert tracker.assign([box(30 * step)], step / 25) == [1]

    def test_too_little_overlap_is_another_face(self) -> None:
        tracker = FaceTracker(min_iou=0.3)
        tracker.assign([box(0)], 0.0)
        # Moved by 53 of 100 pixels: 47 / 153 = 0.307; by 55: 45 / 155 = 0.290.
        assert tracker.assign([box(53)], 0.1) == [1]
        assert tracker.assign([box(53 + 55)], 0.2) == [2]

    def test_the_greatest_overlap_goes_first(self) -> None:
        tracker = FaceTracker()
        tracker.assign([box(0), box(60)], 0.0)
        # The first of these overlaps both, the second, new face only the one that is left.
        assert tracker.assign([box(55), box(20)], 0.1) == [2, 1]

    def test_one_place_is_not_given_to_two_faces(self) -> None:
        tracker = FaceTracker()
        tracker.assign([box(0)], 0.0)
        assert tracker.assign([box(20), box(5)], 0.1) == [2, 1]

    def test_a_short_gap_is_survived_and_a_long_one_is_not(self) -> None:
        tracker = FaceTracker(patience=1.0)
        tracker.assign([box(0)], 0.0)
        for missed in range(1, 10):
            assert tracker.assign([], missed / 10) == []
        assert tracker.assign([box(5)], 1.0) == [1]
        for missed in range(1, 10):
            tracker.assign([], 1.0 + missed / 10)
        assert tracker.assign([box(5)], 2.01) == [2]

    def test_where_frames_are_rare_they_count_and_not_the_seconds(self) -> None:
        tracker = FaceTracker(patience=1.0, patient_frames=2)
        assert tracker.assign([box(0)], 0.0) == [1]
        assert tracker.assign([box(5)], 1.5) == [1]
        for missed in (3.0, 4.5):
            tracker.assign([], missed)
        assert tracker.assign([box(5)], 6.0) == [1]
        for missed in (7.5, 9.0, 10.5):
            tracker.assign([], missed)
        assert tracker.assign([box(5)], 12.0) == [2]

    def test_a_face_that_was_given_up_is_forgotten(self) -> None:
        tracker = FaceTracker(patience=1.0)
        for second in range(100):
            tracker.assign([box(200 * second)], float(2 * second))
            assert tracker.numbers == set(range(max(1, second - 2), second + 2))
        for second in range(4):
            tracker.assign([], 1000.0 + second)
        assert tracker.numbers == frozenset()


def mixed(happiness: float) -> dict[Expression, float]:
    return {HAPPY: happiness, ANGRY: 1 - happiness}


class TestSmoother:
    def test_weights_are_the_exponential_of_the_age(self) -> None:
        smoother = Smoother(seconds=0.5)
        smoother.update(1, SURE_HAPPY, 0.0)
        smoother.update(1, SURE_HAPPY, 0.25)
        mean = smoother.update(1, SURE_ANGRY, 1.0)
        happy = math.exp(-1.0 / 0.5) + math.exp(-0.75 / 0.5)
        assert mean[HAPPY] == pytest.approx(happy / (happy + 1))
        assert sum(mean.values()) == pytest.approx(1)

    def test_the_first_frames_weigh_alike_however_fast_they_come(self) -> None:
        smoother = Smoother(seconds=1000.0)
        for number, share in enumerate((1.0, 0.0, 0.0, 0.0)):
            mean = smoother.update(1, mixed(share), number / 1000)
        assert mean[HAPPY] == pytest.approx(0.25, abs=1e-4)

    def test_a_lone_outlier_changes_little_and_a_new_expression_wins(self) -> None:
        smoother = Smoother(seconds=0.5)
        for frame in range(50):
            smoother.update(1, SURE_HAPPY, frame / 25)
        assert smoother.update(1, SURE_ANGRY, 2.0)[HAPPY] > 0.9
        for frame in range(25):
            mean = smoother.update(1, SURE_ANGRY, 2.04 + frame / 25)
        assert mean[ANGRY] > 0.8

    def test_faces_do_not_mix(self) -> None:
        smoother = Smoother(seconds=10.0)
        smoother.update(1, SURE_HAPPY, 0.0)
        assert smoother.update(2, SURE_ANGRY, 0.1) == SURE_ANGRY

    def test_nothing_is_averaged_over_no_time(self) -> None:
        smoother = Smoother(seconds=0.0)
        smoother.update(1, SURE_HAPPY, 0.0)
        assert smoother.update(1, SURE_ANGRY, 0.0) == SURE_ANGRY

    def test_forgotten_faces_start_anew(self) -> None:
        smoother = Smoother(seconds=10.0)
        for number in (1, 2):
            smoother.update(number, SURE_HAPPY, 0.0)
        smoother.keep_only({2})
        assert smoother.update(1, SURE_ANGRY, 0.1) == SURE_ANGRY
        assert smoother.update(2, SURE_ANGRY, 0.1)[HAPPY] > 0.4


class TestLabel:
    def test_stays_until_another_is_clearly_ahead(self) -> None:
        keeper = LabelKeeper(margin=0.1)
        labels = [keeper.update(1, mixed(share)) for share in (0.51, 0.49, 0.46, 0.44, 0.52, 0.56)]
        happy, angry = HAPPY, ANGRY
        assert labels == [happy, happy, happy, angry, angry, happy]

    def test_each_face_has_its_own(self) -> None:
        keeper = LabelKeeper(margin=0.5)
        assert keeper.update(1, SURE_HAPPY) == HAPPY
        assert keeper.update(2, SURE_ANGRY) == ANGRY
        keeper.keep_only({2})
        assert keeper.update(1, mixed(0.4)) == ANGRY
        assert keeper.update(2, mixed(0.6)) == ANGRY


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
