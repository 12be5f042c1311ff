from fer_det.core.box import FaceBox
from fer_det.predict.video.tracking import FaceTracker


def box(left: float, top: float = 0.0) -> FaceBox:
    return FaceBox(left, top, left + 100, top + 100)


def test_faces_keep_their_numbers_whatever_their_order() -> None:
    tracker = FaceTracker()
    assert tracker.follow([box(0), box(300)], 0.0) == [1, 2]
    assert tracker.follow([box(310), box(10)], 0.1) == [2, 1]
    assert tracker.follow([box(20), box(320)], 0.2) == [1, 2]


def test_a_face_that_moves_is_followed_across_the_picture() -> None:
    tracker = FaceTracker()
    for step in range(20):
        assert tracker.follow([box(30 * step)], step / 25) == [1]


def test_too_little_overlap_is_another_face() -> None:
    tracker = FaceTracker(min_iou=0.3)
    tracker.follow([box(0)], 0.0)
    # Moved by 53 of 100 pixels: 47 / 153 = 0.307; by 55: 45 / 155 = 0.290.
    assert tracker.follow([box(53)], 0.1) == [1]
    assert tracker.follow([box(53 + 55)], 0.2) == [2]


def test_the_greatest_overlap_goes_first() -> None:
    tracker = FaceTracker()
    tracker.follow([box(0), box(60)], 0.0)
    # The first of these overlaps both, the second, new face only the one that is left.
    assert tracker.follow([box(55), box(20)], 0.1) == [2, 1]


def test_one_place_is_not_given_to_two_faces() -> None:
    tracker = FaceTracker()
    tracker.follow([box(0)], 0.0)
    assert tracker.follow([box(20), box(5)], 0.1) == [2, 1]


def test_a_short_gap_is_survived_and_a_long_one_is_not() -> None:
    tracker = FaceTracker(patience=1.0)
    tracker.follow([box(0)], 0.0)
    for missed in range(1, 10):
        assert tracker.follow([], missed / 10) == []
    assert tracker.follow([box(5)], 1.0) == [1]
    for missed in range(1, 10):
        tracker.follow([], 1.0 + missed / 10)
    assert tracker.follow([box(5)], 2.01) == [2]


def test_where_frames_are_rare_they_count_and_not_the_seconds() -> None:
    tracker = FaceTracker(patience=1.0, patient_frames=2)
    assert tracker.follow([box(0)], 0.0) == [1]
    assert tracker.follow([box(5)], 1.5) == [1]
    for missed in (3.0, 4.5):
        tracker.follow([], missed)
    assert tracker.follow([box(5)], 6.0) == [1]
    for missed in (7.5, 9.0, 10.5):
        tracker.follow([], missed)
    assert tracker.follow([box(5)], 12.0) == [2]


def test_a_face_that_was_given_up_is_forgotten() -> None:
    tracker = FaceTracker(patience=1.0)
    for second in range(100):
        tracker.follow([box(200 * second)], float(2 * second))
        assert tracker.numbers == set(range(max(1, second - 2), second + 2))
    for second in range(4):
        tracker.follow([], 1000.0 + second)
    assert tracker.numbers == frozenset()
