"""Numbers of faces on made paths, and cuts in made scenes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.predict.video.tracks import CutDetector, FaceTracker

RATE = 25.0


def box(left: float, top: float = 0.0) -> FaceBox:
    return FaceBox(left, top, left + 100, top + 100)


def assign(tracker: FaceTracker, boxes: Sequence[FaceBox], seconds: float) -> list[int | None]:
    return tracker.assign(boxes, [0.9] * len(boxes), seconds)


class TestTracker:
    def test_faces_keep_their_numbers_whatever_their_order(self) -> None:
        tracker = FaceTracker(RATE)
        assert assign(tracker, [box(0), box(300)], 0.0) == [1, 2]
        assert assign(tracker, [box(310), box(10)], 0.1) == [2, 1]
        assert assign(tracker, [box(20), box(320)], 0.2) == [1, 2]

    def test_a_face_that_moves_is_followed_across_the_picture(self) -> None:
        tracker = FaceTracker(RATE)
        for step in range(20):
            assert assign(tracker, [box(30 * step)], step / 25) == [1]

    def test_a_face_elsewhere_is_another_one(self) -> None:
        tracker = FaceTracker(RATE)
        assert assign(tracker, [box(0)], 0.0) == [1]
        assert assign(tracker, [box(150)], 0.1) == [2]

    def test_the_greatest_overlap_goes_first(self) -> None:
        tracker = FaceTracker(RATE)
        assign(tracker, [box(0), box(60)], 0.0)
        # The first of these overlaps both, the second, new face only the one that is left.
        assert assign(tracker, [box(55), box(20)], 0.1) == [2, 1]

    def test_one_place_is_not_given_to_two_faces(self) -> None:
        tracker = FaceTracker(RATE)
        assign(tracker, [box(0)], 0.0)
        assert assign(tracker, [box(20), box(5)], 0.1) == [2, 1]

    def test_two_faces_that_cross_keep_their_numbers(self) -> None:
        tracker = FaceTracker(RATE)
        for frame in range(60):
            left, right = box(8.0 * frame), box(480 - 8.0 * frame, 10)
            # The one behind is not found while they overlap by a half.
            hidden = left.iou(right) > 0.3
            boxes = [left] if hidden else [left, right]
            numbers = assign(tracker, boxes, frame / RATE)
            assert numbers == [1, 2][: len(boxes)], frame

    def test_a_walker_behind_a_pillar_keeps_the_number(self) -> None:
        tracker = FaceTracker(RATE)
        for frame in range(70):
            if not 30 <= frame < 50:
                assert assign(tracker, [box(6.0 * frame)], frame / RATE) == [1], frame
            else:
                assign(tracker, [], frame / RATE)

    def test_a_short_gap_is_survived_and_a_long_one_is_not(self) -> None:
        tracker = FaceTracker(RATE, patience=1.0)
        assign(tracker, [box(0)], 0.0)
        for missed in range(1, 10):
            assert assign(tracker, [], missed / 10) == []
        assert assign(tracker, [box(5)], 1.0) == [1]
        for missed in range(1, 11):
            assign(tracker, [], 1.0 + missed / 10)
        assert assign(tracker, [box(5)], 2.1) == [2]

    def test_where_frames_are_rare_they_count_and_not_the_seconds(self) -> None:
        tracker = FaceTracker(1 / 1.5, patience=1.0)
        assert assign(tracker, [box(0)], 0.0) == [1]
        assert assign(tracker, [box(5)], 1.5) == [1]
        for missed in (3.0, 4.5):
            assign(tracker, [], missed)
        assert assign(tracker, [box(5)], 6.0) == [1]
        for missed in (7.5, 9.0, 10.5, 12.0):
            assign(tracker, [], missed)
        assert assign(tracker, [box(5)], 13.5) == [2]

    def test_a_face_that_was_given_up_is_forgotten(self) -> None:
        tracker = FaceTracker(RATE, patience=1.0)
        for number in range(100):
            assign(tracker, [box(200 * number)], 0.4 * number)
            assert len(tracker.numbers) <= 4
            assert number + 1 in tracker.numbers
        for frame in range(200):
            assign(tracker, [], 40 + frame / 25)
        assert tracker.numbers == frozenset()

    def test_a_low_score_continues_a_track_and_starts_none(self) -> None:
        tracker = FaceTracker(RATE, high_score=0.5)
        assert tracker.assign([box(0), box(300)], [0.4, 0.9], 0.0) == [None, 1]
        assert tracker.assign([box(0), box(305)], [0.4, 0.3], 0.04) == [None, 1]
        assert tracker.assign([box(0), box(310)], [0.8, 0.3], 0.08) == [2, 1]

    def test_a_cut_ends_all_and_numbers_are_not_used_again(self) -> None:
        tracker = FaceTracker(RATE)
        assign(tracker, [box(0), box(300)], 0.0)
        tracker.end_all()
        assert tracker.numbers == frozenset()
        assert assign(tracker, [box(0), box(300)], 0.04) == [3, 4]

    def test_frames_of_the_same_time(self, recwarn: pytest.WarningsRecorder) -> None:
        tracker = FaceTracker(RATE)
        assert [assign(tracker, [box(2 * n)], 0.0) for n in range(5)] == [[1]] * 5
        assert not recwarn.list


class TestCuts:
    @staticmethod
    def scene(seed: int) -> NDArray[np.uint8]:
        small = np.random.default_rng(seed).integers(0, 256, (6, 10, 3))
        return np.kron(small, np.ones((30, 32, 1))).astype(np.uint8)

    def test_another_scene_is_a_cut(self) -> None:
        cuts = CutDetector()
        frames = [self.scene(1)] * 5 + [self.scene(2)] * 5
        assert [cuts.is_cut(pixels) for pixels in frames] == [False] * 5 + [True] + [False] * 4

    def test_each_of_several(self) -> None:
        cuts = CutDetector()
        found = [cuts.is_cut(self.scene(seed)) for seed in range(8) for _ in range(6)]
        assert np.flatnonzero(found).tolist() == [6, 12, 18, 24, 30, 36, 42]

    def test_somebody_bright_at_the_same_place_in_both(self) -> None:
        cuts = CutDetector()
        frames = [self.scene(seed) // 2 for seed in (1, 1, 2, 2)]
        frames = [(pixels * 1.3).astype(np.uint8) for pixels in frames]
        for pixels in frames:
            pixels[40:140, 100:200] = 240
        assert [cuts.is_cut(pixels) for pixels in frames] == [False, False, True, False]

    def test_a_flash_a_fade_and_a_moving_camera_are_none(self) -> None:
        cuts = CutDetector()
        scene = self.scene(3)
        light = [1.0, 1.0, 1.8, 1.0, 1.0, *np.linspace(1, 0.1, 20)]
        frames = [(scene * each).clip(0, 255).astype(np.uint8) for each in light]
        wide = np.concatenate([self.scene(4), self.scene(5)], axis=1)
        panned = [np.ascontiguousarray(wide[:, 8 * n : 8 * n + 320]) for n in range(40)]
        assert not any(cuts.is_cut(pixels) for pixels in frames)
        cuts = CutDetector()
        assert not any(cuts.is_cut(pixels) for pixels in panned)

    def test_somebody_who_fills_a_third_of_the_picture_is_none(self) -> None:
        cuts = CutDetector()
        frames = []
        for step in range(12):
            pixels = self.scene(6)
            pixels[:, 20 * step : 20 * step + 100] = 30
            frames.append(pixels)
        assert not any(cuts.is_cut(pixels) for pixels in frames)
