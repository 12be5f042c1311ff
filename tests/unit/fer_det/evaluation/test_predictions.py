"""Which box gives the prediction: by score, by overlap, and among several faces."""

from __future__ import annotations

import numpy as np
import pytest
from fake_data.scored_pictures import one_hot, random_pictures, scored_picture

from fer_det.evaluation.picture import ScoredPicture
from fer_det.evaluation.predictions import (
    NO_CLASS,
    assign_boxes,
    confusion_of_faces,
    iou_matrix,
    predicted_classes,
    rank_scores,
    score_faces,
    select_boxes,
)

NAMES = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
LEFT, RIGHT, FAR = (0.0, 0.0, 40.0, 40.0), (50.0, 0.0, 90.0, 40.0), (0.0, 60.0, 30.0, 90.0)


def top1(picture: ScoredPicture) -> list[int]:
    return predicted_classes(picture, "top1").tolist()


def matched(picture: ScoredPicture) -> list[int]:
    return predicted_classes(picture, "matched").tolist()


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
    assert assign_boxes(iou).shape == (boxes, truth)


def test_top1_takes_the_highest_score_at_any_position_and_however_low():
    picture = scored_picture(
        truth=[(LEFT, 1)], found=[(LEFT, 0.001, one_hot(1)), (FAR, 0.002, one_hot(6))]
    )
    assert top1(picture) == [6]
    assert matched(picture) == [1]


def test_top1_takes_a_box_on_a_face_without_label():
    picture = scored_picture(
        truth=[(LEFT, 1)],
        found=[(LEFT, 0.5, one_hot(1)), (RIGHT, 0.9, one_hot(6))],
        ignore=[RIGHT],
    )
    assert top1(picture) == [6]


def test_boxes_of_equal_score_keep_the_detector_s_order():
    for first, second in ((2, 3), (3, 2)):
        found = [(LEFT, 0.5, one_hot(first)), (LEFT, 0.5, one_hot(second))]
        picture = scored_picture(truth=[(LEFT, 1)], found=found)
        assert top1(picture) == matched(picture) == [first]
        several = scored_picture(truth=[(LEFT, 1), (RIGHT, 1)], found=found)
        assert top1(several) == matched(several) == [first, NO_CLASS]


def test_scores_that_are_exactly_one_keep_the_detector_s_order():
    # 1 - softmax is exactly 1 from a margin of 17 in float32: the detector ranks by logits then.
    scores = (1 - np.exp(np.array([-30.0, -20.0, -18.0, -1.0]))).astype(np.float32)
    assert (scores[:3] == 1).all()
    assert rank_scores(scores).tolist() == [0, 1, 2, 3]
    assert rank_scores(scores[::-1]).tolist() == [1, 2, 3, 0]


@pytest.mark.parametrize("size", [17, 100, 1000])
def test_the_ranking_is_stable_for_many_boxes(size):
    # Unstable sorts keep short arrays in order and change long ones.
    scores = np.tile([0.5, 1.0], size)
    expected = [*range(1, 2 * size, 2), *range(0, 2 * size, 2)]
    assert rank_scores(scores).tolist() == expected


def test_matched_counts_an_iou_of_exactly_one_half():
    half, less = (0.0, 0.0, 40.0, 20.0), (0.0, 0.0, 40.0, 19.9)
    for box, answer in ((half, 5), (less, NO_CLASS)):
        picture = scored_picture(truth=[(LEFT, 5)], found=[(box, 0.9, one_hot(5))])
        assert matched(picture) == [answer]
        assert top1(picture) == [5]


def test_no_box_is_no_prediction():
    picture = scored_picture(truth=[(LEFT, 1), (RIGHT, 2)])
    assert top1(picture) == [NO_CLASS, NO_CLASS]
    assert matched(picture) == [NO_CLASS, NO_CLASS]


def test_each_of_several_faces_has_a_box_assigned():
    picture = scored_picture(
        truth=[(LEFT, 1), (RIGHT, 2)],
        found=[
            (LEFT, 0.7, one_hot(1)),
            ((48.0, 0.0, 90.0, 40.0), 0.9, one_hot(2)),
            (FAR, 0.99, one_hot(6)),
        ],
    )
    # The box far from both has the highest score and is assigned to neither.
    assert top1(picture) == [1, 2]
    assert matched(picture) == [1, 2]


def test_a_box_is_never_used_for_two_faces():
    picture = scored_picture(truth=[(LEFT, 1), (RIGHT, 2)], found=[(LEFT, 0.9, one_hot(1))])
    assert top1(picture) == [1, NO_CLASS]


def test_a_box_over_two_faces_is_assigned_to_the_one_it_overlaps_more():
    # 30 and 10 of the box's 50 x 40 pixels wide: IoU 1200/2400 and 400/3200.
    iou = iou_matrix(np.array([[10.0, 0, 60, 40]]), np.array([LEFT, RIGHT]))
    np.testing.assert_allclose(iou, [[0.5, 0.125]])
    assert assign_boxes(iou).tolist() == [[True, False]]


def test_a_box_in_the_very_middle_is_not_assigned():
    iou = iou_matrix(np.array([[20.0, 0, 70, 40]]), np.array([LEFT, RIGHT]))
    assert iou[0, 0] == iou[0, 1] > 0
    assert assign_boxes(iou).tolist() == [[False, False]]


def test_a_box_that_overlaps_nothing_is_not_assigned():
    for truth in ([LEFT], [LEFT, RIGHT]):
        iou = iou_matrix(np.array([FAR]), np.array(truth))
        assert not assign_boxes(iou).any()


def test_matched_uses_only_the_boxes_assigned_to_the_face():
    # Two labelled faces so close that the box has an IoU of one half or more with both.
    near = (4.0, 0.0, 44.0, 40.0)
    picture = scored_picture(truth=[(LEFT, 1), (near, 2)], found=[(LEFT, 0.9, one_hot(1))])
    assert (iou_matrix(picture.boxes, picture.truth_boxes) >= 0.5).all()
    assert select_boxes(picture, "matched").tolist() == [0, -1]


def test_gt_box_needs_the_box_head():
    picture = scored_picture(truth=[(LEFT, 1)], gt_box=[one_hot(3)])
    assert predicted_classes(picture, "gt_box").tolist() == [3]
    without = scored_picture(truth=[(LEFT, 1)])
    with pytest.raises(ValueError, match="a: truth_probabilities expected"):
        predicted_classes(without, "gt_box")
    with pytest.raises(ValueError, match="a: truth_probabilities expected"):
        list(score_faces([without], NAMES, ["gt_box"]))


def test_faces_hold_the_predictions_that_the_rules_choose():
    pictures = random_pictures([20, 5, 8, 20, 8, 6, 12], seed=9)
    faces = list(score_faces(pictures, NAMES, ["top1", "matched", "gt_box"]))
    for rule in ("top1", "matched", "gt_box"):
        numbers = [number for each in pictures for number in predicted_classes(each, rule)]
        labels = [each.label if (each := face.predictions[rule]) else None for face in faces]
        assert labels == [NAMES[number - 1] if number else None for number in numbers]


def test_confusion_of_faces_has_a_matrix_for_each_picture():
    pictures = [
        scored_picture("a", [(LEFT, 1), (RIGHT, 7)], [(LEFT, 0.9, one_hot(1))]),
        scored_picture("b", [(LEFT, 4)], [(LEFT, 0.9, one_hot(7))]),
    ]
    faces = list(score_faces(pictures, NAMES, ["top1"]))
    confusion = confusion_of_faces(faces, "top1", NAMES)
    assert confusion.shape == (2, 7, 8)
    assert np.argwhere(confusion).tolist() == [[0, 0, 0], [0, 6, 7], [1, 3, 6]]
    assert confusion_of_faces([], "top1", NAMES).shape == (0, 7, 8)
