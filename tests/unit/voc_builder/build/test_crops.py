"""Faces in tight crops: each means only where the one before failed, boxes mapped back."""

from __future__ import annotations

import numpy as np
from fake_data.astronaut import portrait

from fer_det.core.box import FaceBox
from fer_det.faces import DetectedFace, Mtcnn
from voc_builder.build.crops import CropFace, find_face_in_crops

POINTS = ((45.0, 50.0), (65.0, 50.0), (55.0, 60.0), (47.0, 70.0), (63.0, 70.0))


class ScriptedDetector:
    """Answers by the size it is shown, and remembers what it was shown."""

    def __init__(self, faces_by_size):
        self.faces_by_size = faces_by_size
        self.calls = []

    def detect(self, images, coarse_first=False):
        self.calls.append([image.shape[:2] for image in images])
        self.images = images
        return [list(self.faces_by_size.get(image.shape[:2], ())) for image in images]


def face(*edges, score=0.9):
    return DetectedFace(FaceBox(*edges), score, POINTS)


def crop(height=100, width=100):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_face_found_at_once_is_taken_as_it_is():
    detector = ScriptedDetector({(100, 100): [face(10, 5, 90, 95)]})
    found = find_face_in_crops(detector, [crop()])
    assert found == [CropFace(FaceBox(10, 5, 90, 95), "mtcnn", 0.9, POINTS)]
    assert detector.calls == [[(100, 100)]]


def test_edge_padding_is_taken_off_again():
    detector = ScriptedDetector({(150, 150): [face(30, 20, 130, 120)]})
    (found,) = find_face_in_crops(detector, [crop()])
    assert found.source == "mtcnn_edge_padding"
    assert found.box == FaceBox(5, 0, 100, 95)
    assert found.landmarks[0] == (20, 25)


def test_gray_padding_is_taken_off_again():
    detector = ScriptedDetector({(200, 200): [face(40, 60, 160, 140)]})
    (found,) = find_face_in_crops(detector, [crop()])
    assert found.source == "mtcnn_gray_padding"
    assert found.box == FaceBox(0, 10, 100, 90)


def test_nothing_found_is_the_whole_picture_and_says_so():
    found = find_face_in_crops(ScriptedDetector({}), [crop(80, 60)])
    assert found == [CropFace(FaceBox(0, 0, 60, 80), "whole_picture")]
    assert found[0].score is None


def test_each_means_is_asked_once_for_all_that_are_left():
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
