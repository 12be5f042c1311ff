"""The labelled face: the data set's box first, then its landmarks, then the largest."""

from __future__ import annotations

import pytest

from fer_det.core.box import FaceBox
from fer_det.faces import DetectedFace
from voc_builder.build.selection import MIN_IOU, select_labelled_face

WIDTH, HEIGHT = 200, 100
LEFT = DetectedFace(FaceBox(10, 20, 50, 70), 0.9, ())
RIGHT = DetectedFace(FaceBox(120, 20, 160, 70), 0.99, ())
LARGE = DetectedFace(FaceBox(60, 10, 115, 80), 0.85, ())


def select(faces, face_box=None, landmarks=()):
    return select_labelled_face(faces, WIDTH, HEIGHT, face_box, landmarks)


def test_no_face_is_none():
    assert select([]) is None
    assert select([], LEFT.box, ((20, 30),)) is None


class TestByBox:
    def test_the_best_overlap_wins_whatever_size_and_score(self):
        box = FaceBox(8, 18, 52, 75)
        assert select([RIGHT, LARGE, LEFT], box) == 2

    def test_somebody_else_is_not_taken(self):
        assert select([RIGHT, LARGE], LEFT.box) is None

    # Around LEFT (40 x 50): a box s times as wide and high has IoU 1 / s**2.
    @pytest.mark.parametrize(("factor", "index"), [(1.8, 0), (1.9, None), (0.56, 0), (0.5, None)])
    def test_the_boxes_may_differ_1_8_times_in_size(self, factor, index):
        x, y = LEFT.box.centre
        w, h = LEFT.box.width * factor / 2, LEFT.box.height * factor / 2
        assert select([LEFT], FaceBox(x - w, y - h, x + w, y + h)) == index

    @pytest.mark.parametrize(("shift", "index"), [(0.53, 0), (0.55, None)])
    def test_a_neighbour_half_hidden_is_the_limit(self, shift, index):
        assert select([LEFT], LEFT.box.moved(shift * LEFT.box.width, 0)) == index
        assert LEFT.box.iou(LEFT.box.moved(0.54 * 40, 0)) == pytest.approx(MIN_IOU, abs=0.005)

    def test_landmarks_are_not_asked_where_there_is_a_box(self):
        on_right = ((130, 30), (150, 30), (140, 50))
        assert select([LEFT, RIGHT], LEFT.box, on_right) == 0
        assert select([RIGHT], LEFT.box, on_right) is None

    def test_a_box_beyond_the_picture_is_compared_as_it_is(self):
        face = DetectedFace(FaceBox(0, 0, 40, 40), 0.9, ())
        assert select([face], FaceBox(-5.5, -4.5, 41, 42)) == 0


class TestByLandmarks:
    def test_the_face_that_holds_most_of_them(self):
        points = ((20, 30), (40, 30), (30, 50), (20, 60), (130, 30))
        assert select([RIGHT, LEFT, LARGE], landmarks=points) == 1

    def test_half_of_them_is_not_enough(self):
        assert select([LEFT], landmarks=((20, 30), (130, 30))) is None
        assert select([LEFT], landmarks=((20, 30), (30, 30), (130, 30))) == 0

    def test_none_where_they_are_on_nobody(self):
        assert select([LEFT, RIGHT], landmarks=((90, 5), (95, 5))) is None

    def test_among_equals_the_smallest(self):
        around = DetectedFace(FaceBox(0, 0, 100, 100), 0.99, ())
        points = ((20, 30), (40, 30), (30, 50))
        assert select([around, LEFT], landmarks=points) == 1
        assert select([LEFT, around], landmarks=points) == 0


class TestWithNeither:
    def test_the_largest_whatever_the_score_and_place(self):
        assert select([LEFT, RIGHT, LARGE]) == 2
        corner = DetectedFace(FaceBox(120, 0, 200, 60), 0.81, ())
        assert select([LEFT, corner, LARGE]) == 1

    def test_among_equals_the_most_central(self):
        central = DetectedFace(LEFT.box.moved(60, 5), 0.8, ())
        assert select([LEFT, central, RIGHT]) == 1
        assert select([RIGHT, LEFT, central]) == 2
