"""Average precision on cases that can be computed by hand; and it prints nothing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from fake_data.scored_pictures import one_hot, random_pictures, scored_picture

from fer_det.evaluation.average_precision import average_precision, to_coco

LEFT, RIGHT = (0.0, 0.0, 40.0, 40.0), (50.0, 0.0, 90.0, 40.0)


def test_a_perfect_box_scores_one_and_absent_classes_nothing():
    found = average_precision([scored_picture("a", [(LEFT, 4)], [(LEFT, 0.9, one_hot(4))])], 7)
    np.testing.assert_array_equal(found.ap50_by_class, [np.nan] * 3 + [1.0] + [np.nan] * 3)
    assert (found.ap50, found.ap) == (pytest.approx(1.0), pytest.approx(1.0))


def test_the_wrong_class_at_the_right_place_scores_nothing():
    found = average_precision([scored_picture("a", [(LEFT, 4)], [(LEFT, 0.9, one_hot(7))])], 7)
    assert (found.ap50, found.ap) == (0.0, 0.0)


def test_thresholds_run_from_50_to_95_in_steps_of_5():
    # 30 of 40 rows of the face: IoU 0.75, correct at 0.50, 0.55, ... 0.75, which is 6 of 10.
    box = (0.0, 0.0, 40.0, 30.0)
    found = average_precision([scored_picture("a", [(LEFT, 4)], [(box, 0.9, one_hot(4))])], 7)
    assert found.ap50 == pytest.approx(1.0)
    assert found.ap == pytest.approx(0.6)


def test_the_score_is_that_of_the_face_times_that_of_the_expression():
    # By the face's score alone the wrong box (0.9) would be first; 0.9 * 0.5 < 0.6 * 1.0.
    pictures = [
        scored_picture("a", [(LEFT, 4)], [(RIGHT, 0.9, one_hot(4, confidence=0.5))]),
        scored_picture("b", [(LEFT, 4)], [(LEFT, 0.6, one_hot(4))]),
    ]
    # Precision 1 up to recall 1/2 and none beyond: 51 of the 101 recall points.
    assert average_precision(pictures, 7).ap50 == pytest.approx(51 / 101)


def test_a_box_counts_for_its_most_probable_class_only():
    box = (LEFT, 0.9, [0.0, 0.0, 0.0, 0.6, 0.4, 0.0, 0.0])
    _, results = to_coco([scored_picture("a", [(LEFT, 4)], [box])], 7)
    assert [(result["category_id"], result["score"]) for result in results] == [(4, 0.9 * 0.6)]


def test_a_box_on_a_face_without_label_is_neither_correct_nor_wrong():
    boxes = [(RIGHT, 0.9, one_hot(4)), (LEFT, 0.5, one_hot(4))]
    labelled = [(LEFT, 4)]
    ignored = average_precision([scored_picture("a", labelled, boxes, ignore=[RIGHT])], 7)
    assert ignored.ap50 == pytest.approx(1.0)
    # Without the unlabelled face the same box is a false positive: precision 1/2.
    assert average_precision([scored_picture("a", labelled, boxes)], 7).ap50 == pytest.approx(0.5)


def test_a_second_box_on_a_face_is_a_false_positive():
    # Correct, wrong (the same face again), correct: precision 1 to recall 1/2, then 2/3.
    pictures = [
        scored_picture("a", [(LEFT, 4)], [(LEFT, 0.9, one_hot(4)), (LEFT, 0.8, one_hot(4))]),
        scored_picture("b", [(LEFT, 4)], [(LEFT, 0.7, one_hot(4))]),
    ]
    assert average_precision(pictures, 7).ap50 == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_faces_without_any_box_score_zero():
    found = average_precision([scored_picture("a", [(LEFT, 4)])], 7)
    np.testing.assert_array_equal(found.ap_by_class, [np.nan] * 3 + [0.0] + [np.nan] * 3)
    assert found.ap50 == 0.0


def test_only_faces_without_label_have_no_average_precision():
    for found in ([], [(LEFT, 0.9, one_hot(4))]):
        ap = average_precision([scored_picture("a", [], found, ignore=[LEFT])], 7)
        assert np.isnan(ap.ap50_by_class).all()
        assert np.isnan(ap.ap)


def test_the_pictures_stay_as_they_were():
    pictures = random_pictures([3, 3], seed=2)
    before = [(p.boxes.copy(), p.scores.copy(), p.truth_boxes.copy()) for p in pictures]
    average_precision(pictures, 2)
    for picture, (boxes, scores, truth) in zip(pictures, before, strict=True):
        np.testing.assert_array_equal(picture.boxes, boxes)
        np.testing.assert_array_equal(picture.scores, scores)
        np.testing.assert_array_equal(picture.truth_boxes, truth)


def test_nothing_is_printed(capfd):
    average_precision(random_pictures([3, 3], seed=2), 2)
    assert capfd.readouterr() == ("", "")


def test_importing_the_evaluation_imports_neither_torch_nor_opencv_nor_scipy():
    program = (
        "import sys, fer_det.evaluation.table, fer_det.evaluation.comparison;"
        "heavy = ('torch', 'cv2', 'faster_coco_eval', 'scipy');"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
