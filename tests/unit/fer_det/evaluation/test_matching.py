"""Which box answers for a face: by the highest score, by overlap, and among several faces."""

from __future__ import annotations

import numpy as np
import pytest
from fake_data.scored_pictures import one_hot, scored_picture

from fer_det.evaluation.matching import (
    NONE,
    answer_gt_box,
    answer_matched,
    answer_top1,
    iou_matrix,
    matched_boxes,
    owned_boxes,
    top1_boxes,
)

LEFT, RIGHT, FAR = (0.0, 0.0, 40.0, 40.0), (50.0, 0.0, 90.0, 40.0), (0.0, 60.0, 30.0, 90.0)


def test_iou_by_hand():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 5], [5, 5, 15, 15], [10, 0, 20, 10], [3, 3, 3, 3]])
    truth = np.array([[0, 0, 10, 10.0]])
    # Shared areas 100, 50, 25, 0 (edges touch), 0 (a point); unions 100, 100, 175, 200, 100.
    np.testing.assert_allclose(iou_matrix(boxes, truth)[:, 0], [1, 0.5, 25 / 175, 0, 0])


def test_iou_of_two_points_is_zero_and_not_a_division_by_zero():
    point = np.array([[3.0, 3, 3, 3]])
    assert iou_matrix(point, point).tolist() == [[0.0]]


@pytest.mark.parametrize(("boxes", "truth"), [(0, 2), (2, 0), (0, 0)])
def test_iou_of_nothing_has_a_shape(boxes, truth):
    iou = iou_matrix(np.ones((boxes, 4)), np.ones((truth, 4)))
    assert iou.shape == (boxes, truth)
    assert owned_boxes(iou).shape == (boxes, truth)
    assert top1_boxes(iou, np.ones(boxes)).tolist() == [-1] * truth


def test_top1_takes_the_highest_score_wherever_it_lies_and_however_low():
    picture = scored_picture(
        truth=[(LEFT, 1)], found=[(LEFT, 0.001, one_hot(1)), (FAR, 0.002, one_hot(6))]
    )
    assert answer_top1(picture).tolist() == [6]
    assert answer_matched(picture).tolist() == [1]


def test_top1_stays_literal_on_a_face_without_label():
    picture = scored_picture(
        truth=[(LEFT, 1)],
        found=[(LEFT, 0.5, one_hot(1)), (RIGHT, 0.9, one_hot(6))],
        ignore=[RIGHT],
    )
    assert answer_top1(picture).tolist() == [6]


def test_of_equal_scores_the_first_box_answers():
    picture = scored_picture(
        truth=[(LEFT, 1)], found=[(LEFT, 0.5, one_hot(2)), (LEFT, 0.5, one_hot(3))]
    )
    assert answer_top1(picture).tolist() == [2]
    assert answer_matched(picture).tolist() == [2]


def test_matched_counts_an_iou_of_exactly_one_half():
    half, less = (0.0, 0.0, 40.0, 20.0), (0.0, 0.0, 40.0, 19.9)
    for box, answer in ((half, 5), (less, NONE)):
        picture = scored_picture(truth=[(LEFT, 5)], found=[(box, 0.9, one_hot(5))])
        assert answer_matched(picture).tolist() == [answer]
        assert answer_top1(picture).tolist() == [5]


def test_no_box_is_no_answer():
    picture = scored_picture(truth=[(LEFT, 1), (RIGHT, 2)])
    assert answer_top1(picture).tolist() == [NONE, NONE]
    assert answer_matched(picture).tolist() == [NONE, NONE]


def test_each_of_several_faces_is_answered_by_a_box_of_its_own():
    picture = scored_picture(
        truth=[(LEFT, 1), (RIGHT, 2)],
        found=[
            (LEFT, 0.7, one_hot(1)),
            ((48.0, 0.0, 90.0, 40.0), 0.9, one_hot(2)),
            (FAR, 0.99, one_hot(6)),
        ],
    )
    # The box far from both has the highest score of all and speaks for neither.
    assert answer_top1(picture).tolist() == [1, 2]
    assert answer_matched(picture).tolist() == [1, 2]


def test_a_box_never_answers_for_two_faces():
    picture = scored_picture(truth=[(LEFT, 1), (RIGHT, 2)], found=[(LEFT, 0.9, one_hot(1))])
    assert answer_top1(picture).tolist() == [1, NONE]


def test_a_box_over_two_faces_speaks_for_the_one_it_overlaps_more():
    # 30 and 10 of the box's 50 x 40 pixels wide: IoU 1200/2400 and 400/3200.
    iou = iou_matrix(np.array([[10.0, 0, 60, 40]]), np.array([LEFT, RIGHT]))
    np.testing.assert_allclose(iou, [[0.5, 0.125]])
    assert owned_boxes(iou).tolist() == [[True, False]]


def test_a_box_in_the_very_middle_speaks_for_neither():
    iou = iou_matrix(np.array([[20.0, 0, 70, 40]]), np.array([LEFT, RIGHT]))
    assert iou[0, 0] == iou[0, 1] > 0
    assert owned_boxes(iou).tolist() == [[False, False]]


def test_a_box_that_overlaps_nothing_is_owned_by_nobody():
    for truth in ([LEFT], [LEFT, RIGHT]):
        iou = iou_matrix(np.array([FAR]), np.array(truth))
        assert not owned_boxes(iou).any()


def test_matched_asks_only_the_boxes_that_a_face_owns():
    # Two labelled faces so close that the first box fits both by one half or more.
    near = (4.0, 0.0, 44.0, 40.0)
    iou = iou_matrix(np.array([LEFT]), np.array([LEFT, near]))
    assert (iou >= 0.5).all()
    assert matched_boxes(iou, np.array([0.9])).tolist() == [0, -1]


def test_gt_box_reads_the_box_head_and_needs_it():
    assert answer_gt_box(scored_picture(truth=[(LEFT, 1)], gt_box=[one_hot(3)])).tolist() == [3]
    with pytest.raises(ValueError, match="a: truth_probabilities expected"):
        answer_gt_box(scored_picture(truth=[(LEFT, 1)]))
