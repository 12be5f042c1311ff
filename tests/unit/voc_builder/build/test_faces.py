"""Which box each labelled face gets: in photos, with several labelled faces, and in crops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_data.astronaut import portrait

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression
from fer_det.core.picture import PictureFile
from fer_det.core.sample import Face, Sample
from fer_det.faces import DetectedFace, Mtcnn
from voc_builder.build.faces import (
    MIN_IOU,
    WHOLE_BY_RULE,
    CropFace,
    PlacedFace,
    PlacedFaces,
    find_face_in_crops,
    is_same_face,
    match_faces,
    place_faces,
    place_faces_in_crops,
)

FEAR, ANGER, NEUTRAL = Expression.FEAR, Expression.ANGER, Expression.NEUTRAL
WIDTH, HEIGHT = 200, 100
LEFT = DetectedFace(FaceBox(10, 20, 50, 70), 0.9, ())
RIGHT = DetectedFace(FaceBox(120, 20, 160, 70), 0.99, ())
LARGE = DetectedFace(FaceBox(60, 10, 115, 80), 0.85, ())


def select(faces, face_box=None, landmarks=()):
    (index,) = match_faces([Face(FEAR, face_box, landmarks)], faces, WIDTH, HEIGHT)
    return index


def test_no_face_is_none():
    assert select([]) is None
    assert select([], LEFT.box, ((20, 30),)) is None


class TestByBox:
    def test_the_largest_overlap_wins_whatever_size_and_score(self):
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


class TestSeveralLabelledFaces:
    def match(self, detected, *boxes):
        return match_faces([Face(FEAR, box) for box in boxes], detected, WIDTH, HEIGHT)

    def test_each_gets_its_own(self):
        assert self.match([RIGHT, LARGE, LEFT], LEFT.box, RIGHT.box, LARGE.box) == [2, 0, 1]

    def test_one_to_one_the_larger_overlap_first(self):
        near = LEFT.box.moved(6, 0)
        assert near.iou(LEFT.box) > MIN_IOU
        assert self.match([LEFT], near, LEFT.box) == [None, 0]
        # The second choice of the first face is still free.
        other = DetectedFace(LEFT.box.moved(12, 0), 0.8, ())
        assert self.match([LEFT, other], near, LEFT.box) == [1, 0]

    def test_a_box_takes_its_face_before_landmarks_do(self):
        points = ((20, 30), (40, 30), (30, 50))
        labelled = [Face(FEAR, landmarks=points), Face(ANGER, LEFT.box)]
        assert match_faces(labelled, [LEFT, RIGHT], WIDTH, HEIGHT) == [None, 0]

    def test_without_boxes_nobody_can_tell(self):
        assert self.match([LEFT, RIGHT], None, None) == [None, None]


def photo(*faces: Face) -> Sample:
    return Sample("a", "rafdb", PictureFile(Path("root"), "a.jpg"), faces, "train")


class TestPlaceFaces:
    FIRST, SECOND = FaceBox(50, 20, 90, 70), FaceBox(5, 30, 35, 65)
    DETECTED = (DetectedFace(FIRST, 0.9, ()), DetectedFace(SECOND, 0.95, ()))
    SIZE = (120, 90)

    def place(self, boxes, *faces, detected=DETECTED):
        return place_faces(photo(*faces), self.SIZE, detected, boxes)

    def test_mtcnns_box_at_the_data_sets(self):
        placed = self.place("mtcnn", Face(FEAR, FaceBox(6, 28, 37, 66)))
        wanted = PlacedFace(FEAR, self.SECOND, "mtcnn", 0.95)
        assert placed == PlacedFaces((wanted,), (self.FIRST,))

    def test_the_data_sets_box_where_mtcnn_found_none(self):
        own = FaceBox(90, 0, 119, 20)
        placed = self.place("mtcnn", Face(FEAR, own))
        assert placed.faces == (PlacedFace(FEAR, own, "dataset"),)
        assert placed.ignored == (self.FIRST, self.SECOND)

    def test_the_data_sets_box_is_clipped(self):
        (face,) = self.place("official", Face(FEAR, FaceBox(-5, -9, 40, 200))).faces
        assert face.box == FaceBox(0, 0, 40, 90)

    def test_official_box_is_taken_as_it_is(self):
        own = FaceBox(48, 18, 93, 72)
        placed = self.place("official", Face(FEAR, own))
        assert placed.faces == (PlacedFace(FEAR, own, "dataset"),)
        # MTCNN's box of the same face is nobody else's.
        assert placed.ignored == (self.SECOND,)

    def test_several_labelled_faces_keep_their_labels(self):
        faces = (Face(ANGER, self.SECOND), Face(FEAR, FaceBox(95, 0, 119, 25)))
        placed = self.place("mtcnn", *faces)
        assert [(face.label, face.source) for face in placed.faces] == [
            (ANGER, "mtcnn"),
            (FEAR, "dataset"),
        ]
        assert placed.ignored == (self.FIRST,)

    def test_the_data_sets_faces_without_label_are_ignored(self):
        faces = (Face(ANGER, self.SECOND), Face(None, FaceBox(52, 18, 92, 72)))
        placed = self.place("mtcnn", *faces)
        # Their own box, and not MTCNN's of the same face as well.
        assert placed.ignored == (FaceBox(52, 18, 92, 72),)

    @pytest.mark.parametrize(
        ("boxes", "face", "detected", "reason"),
        [
            ("official", Face(FEAR), DETECTED, "the data set gives no box"),
            ("official", Face(FEAR, FaceBox(200, 0, 220, 20)), DETECTED, "outside the picture"),
            ("mtcnn", Face(FEAR, FaceBox(200, 0, 220, 20)), DETECTED, "outside the picture"),
            ("mtcnn", Face(FEAR, None, ((110.0, 5.0),) * 5), DETECTED, "no face where the data"),
            ("mtcnn", Face(FEAR), (), "no face was found"),
        ],
    )
    def test_reasons(self, boxes, face, detected, reason):
        placed = self.place(boxes, face, detected=detected)
        assert placed.faces[0].box is None
        assert reason in placed.faces[0].reason

    def test_several_faces_without_boxes_have_no_place(self):
        placed = self.place("mtcnn", Face(FEAR), Face(ANGER))
        assert {face.reason for face in placed.faces} == {"several labelled faces without a box"}


def test_same_face() -> None:
    first = FaceBox(50, 20, 90, 70)
    assert is_same_face(first, FaceBox(30, 0, 110, 90))
    assert not is_same_face(first, FaceBox(5, 30, 35, 65))
    # A small face before a large one: only one of the centres is inside the other box.
    assert not is_same_face(FaceBox(0, 0, 100, 100), FaceBox(40, 60, 70, 95))


class ScriptedDetector:
    """Answers by the size of the picture, and keeps the sizes that it was given."""

    def __init__(self, faces_by_size):
        self.faces_by_size = faces_by_size
        self.calls = []

    def detect(self, images, coarse_first=False):
        self.calls.append([image.shape[:2] for image in images])
        self.images = images
        return [list(self.faces_by_size.get(image.shape[:2], ())) for image in images]


def face(*edges, score=0.9):
    return DetectedFace(FaceBox(*edges), score, ())


def crop(height=100, width=100):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_landmarks_come_back_from_the_padded_crop():
    points = ((30.0, 40.0), (70.0, 40.0), (50.0, 60.0), (35.0, 80.0), (65.0, 80.0))
    found = DetectedFace(FaceBox(40, 40, 110, 120), 0.9, points)
    (placed,) = find_face_in_crops(ScriptedDetector({(150, 150): [found]}), [crop()])
    assert placed.source == "mtcnn_edge_padding"
    assert placed.landmarks == tuple((x - 25, y - 25) for x, y in points)


def test_a_face_found_at_once_is_taken_as_it_is():
    detector = ScriptedDetector({(100, 100): [face(10, 5, 90, 95)]})
    found = find_face_in_crops(detector, [crop()])
    assert found == [CropFace(FaceBox(10, 5, 90, 95), "mtcnn", 0.9)]
    assert detector.calls == [[(100, 100)]]


def test_edge_padding_is_taken_off_again():
    detector = ScriptedDetector({(150, 150): [face(30, 20, 130, 120)]})
    (found,) = find_face_in_crops(detector, [crop()])
    assert found.source == "mtcnn_edge_padding"
    assert found.box == FaceBox(5, 0, 100, 95)


def test_gray_padding_is_taken_off_again():
    detector = ScriptedDetector({(200, 200): [face(40, 60, 160, 140)]})
    (found,) = find_face_in_crops(detector, [crop()])
    assert found.source == "mtcnn_gray_padding"
    assert found.box == FaceBox(0, 10, 100, 90)


def test_nothing_found_is_the_whole_picture():
    found = find_face_in_crops(ScriptedDetector({}), [crop(80, 60)])
    assert found == [CropFace(FaceBox(0, 0, 60, 80), "whole_picture")]
    assert found[0].score is None


def test_each_attempt_is_made_once_for_all_that_are_left():
    detector = ScriptedDetector(
        {(100, 100): [face(10, 5, 90, 95)], (72, 72): [face(13, 13, 60, 60)]}
    )
    sizes = [(100, 100), (48, 48), (100, 100), (60, 80)]
    found = find_face_in_crops(detector, [crop(*size) for size in sizes])
    sources = ["mtcnn", "mtcnn_edge_padding", "mtcnn", "whole_picture"]
    assert [one.source for one in found] == sources
    assert detector.calls == [sizes, [(72, 72), (90, 110)], [(120, 140)]]


def test_the_borders_are_the_edge_repeated_then_gray():
    detector = ScriptedDetector({})
    shown = []
    detector.detect = lambda images: shown.append(images[0]) or [[]]
    picture = crop()
    find_face_in_crops(detector, [picture])
    assert [one.shape for one in shown] == [(100, 100, 3), (150, 150, 3), (200, 200, 3)]
    np.testing.assert_array_equal(shown[1][25:125, 25:125], picture)
    np.testing.assert_array_equal(shown[1][0, 25:125], picture[0])
    np.testing.assert_array_equal(shown[1][25:125, -1], picture[:, -1])
    np.testing.assert_array_equal(shown[2][50:150, 50:150], picture)
    assert (shown[2][:50] == 127).all()


def test_the_largest_is_the_crops_face_and_others_are_kept():
    faces = [face(0, 0, 20, 20, score=0.99), face(20, 10, 95, 95), face(80, 0, 100, 15)]
    (found,) = find_face_in_crops(ScriptedDetector({(100, 100): faces}), [crop()])
    assert found.box == FaceBox(20, 10, 95, 95)
    assert found.others == (FaceBox(0, 0, 20, 20), FaceBox(80, 0, 100, 15))


def test_a_face_within_the_border_is_not_the_crops():
    detector = ScriptedDetector({(150, 150): [face(0, 0, 25, 150)]})
    (found,) = find_face_in_crops(detector, [crop()])
    assert found.source == "whole_picture"


def test_no_crops_give_no_faces():
    assert find_face_in_crops(ScriptedDetector({}), []) == []


def test_mtcnn_finds_a_face_cut_ever_tighter():
    picture = portrait()
    crops = [
        np.ascontiguousarray(picture[top:bottom, left:right])
        for left, top, right, bottom in [
            (95, 25, 185, 120),
            (113, 42, 167, 103),
            (122, 50, 160, 96),
        ]
    ]
    found = find_face_in_crops(Mtcnn(), crops)
    assert found[0].source == "mtcnn"
    assert all(one.source != "whole_picture" for one in found)
    for one, picture in zip(found, crops, strict=True):
        height, width = picture.shape[:2]
        assert one.box.clipped(width, height) == one.box
        assert one.box.area > 0.4 * height * width


class TestCropsOfSamples:
    def place(self, boxes, *faces):
        detector = ScriptedDetector({(100, 100): [face(10, 5, 90, 95), face(12, 8, 88, 90)]})
        (placed,) = place_faces_in_crops([photo(*faces)], [crop()], lambda: detector, boxes)
        return placed, detector

    def test_one_face(self):
        placed, _ = self.place("mtcnn", Face(FEAR))
        # The second box is of the same face.
        assert placed == PlacedFaces((PlacedFace(FEAR, FaceBox(10, 5, 90, 95), "mtcnn", 0.9),))

    def test_whole_asks_no_detector(self):
        placed, detector = self.place("whole", Face(FEAR))
        assert placed.faces == (PlacedFace(FEAR, FaceBox(0, 0, 100, 100), WHOLE_BY_RULE),)
        assert detector.calls == []

    def test_a_second_face_has_no_place(self):
        placed, _ = self.place("mtcnn", Face(FEAR), Face(ANGER))
        assert [each.box is None for each in placed.faces] == [False, True]
