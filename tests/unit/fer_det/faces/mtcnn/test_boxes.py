"""Scales, suppression, squares and crops, each against arithmetic written out here."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from fer_det.faces.mtcnn.boxes import (
    Candidates,
    calibrated,
    coarse_start,
    drop_slivers,
    place_landmarks,
    pyramid_scales,
    squared,
    suppress,
    window_boxes,
)
from fer_det.faces.mtcnn.resize import crop_and_resize


def candidates(boxes, scores=None, pictures=None) -> Candidates:
    boxes = np.array(boxes, float).reshape(-1, 4)
    scores = np.linspace(0.9, 0.8, len(boxes)) if scores is None else np.array(scores, float)
    pictures = np.zeros(len(boxes), np.int64) if pictures is None else np.array(pictures)
    return Candidates(boxes, scores, pictures)


class TestScales:
    def test_a_picture_of_350(self):
        # ln(350 / 12) / -ln 0.709 - 1 = 8.81, so 9 levels.
        scales = pyramid_scales(350, 500)
        assert scales == pytest.approx([0.6 * 0.709**level for level in range(9)])
        assert pyramid_scales(500, 350) == scales

    @pytest.mark.parametrize("side", [1, 2, 11, 12, 20])
    def test_none_for_a_short_side_below_21(self, side):
        assert pyramid_scales(side, 1000) == []

    def test_every_level_holds_a_window(self):
        for side in range(21, 3000):
            scales = pyramid_scales(side, side)
            assert scales
            assert 12 <= int(side * scales[-1]) <= 17

    # 15 % of 350 is 52.5 px; the windows are 20, 28.2, 39.8, 56.1 px: two are left out.
    @pytest.mark.parametrize(
        ("side", "start"), [(21, 0), (100, 0), (133, 0), (187, 0), (189, 1), (350, 2), (1000, 5)]
    )
    def test_coarse_first_starts_at_the_largest_window_within_15_per_cent(self, side, start):
        assert coarse_start(side, 2 * side) == start
        assert coarse_start(2 * side, side) == start

    def test_coarse_first_leaves_a_level(self):
        assert all(
            coarse_start(side, side) < len(pyramid_scales(side, side)) for side in range(21, 9000)
        )


class TestSuppress:
    # Neighbours at 4 px share 6 of 14 px (0.43), the outer two 2 of 18 (0.11).
    CHAIN = ((0, 0, 10, 10), (4, 0, 14, 10), (8, 0, 18, 10))

    def test_it_is_not_greedy(self):
        # The middle box goes because of the first, and takes the last one with it all the same.
        assert suppress(candidates(self.CHAIN), 0.4).tolist() == [0]

    def test_the_best_score_stays_wherever_it_stands(self):
        assert suppress(candidates(self.CHAIN, [0.7, 0.9, 0.8]), 0.4).tolist() == [1]
        assert suppress(candidates(self.CHAIN, [0.7, 0.8, 0.9]), 0.4).tolist() == [2]

    def test_what_is_kept_comes_best_first(self):
        assert suppress(candidates(self.CHAIN, [0.7, 0.9, 0.8]), 0.5).tolist() == [1, 2, 0]

    def test_an_overlap_of_just_the_threshold_is_allowed(self):
        halves = [(0, 0, 10, 10), (0, 0, 10, 5)]
        assert suppress(candidates(halves), 0.5).tolist() == [0, 1]
        assert suppress(candidates(halves), 0.499).tolist() == [0]

    def test_a_box_within_another_overlaps_by_the_smaller_area(self):
        nested = [(0, 0, 10, 10), (2, 2, 5, 5)]
        assert suppress(candidates(nested), 0.7).tolist() == [0, 1]
        assert suppress(candidates(nested), 0.7, "smaller").tolist() == [0]

    def test_pictures_do_not_touch_each_other(self):
        same = [(0, 0, 10, 10)] * 4
        kept = suppress(candidates(same, [0.7, 0.8, 0.9, 0.6], [1, 0, 1, 0]), 0.5)
        assert kept.tolist() == [1, 2]

    def test_of_equals_one_stays(self):
        assert len(suppress(candidates([(0, 0, 10, 10)] * 5, [1.0] * 5), 0.5)) == 1

    def test_nothing_gives_nothing(self):
        assert suppress(candidates([]), 0.5).tolist() == []

    @pytest.mark.parametrize("overlap", ["union", "smaller"])
    def test_two_thousand_boxes_against_the_whole_table(self, overlap):
        random = np.random.default_rng(3)
        corners = random.uniform(0, 600, (2000, 2))
        boxes = np.concatenate([corners, corners + random.uniform(5, 40, (2000, 2))], axis=1)
        scores = random.permutation(2000) / 2000
        kept = suppress(candidates(boxes, scores), 0.3, overlap)

        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        expected = []
        for row in np.argsort(-scores):
            better = scores > scores[row]
            width = np.minimum(boxes[row, 2], boxes[:, 2]) - np.maximum(boxes[row, 0], boxes[:, 0])
            height = np.minimum(boxes[row, 3], boxes[:, 3]) - np.maximum(boxes[row, 1], boxes[:, 1])
            shared = width.clip(0) * height.clip(0)
            union = areas[row] + areas - shared
            whole = union if overlap == "union" else np.minimum(areas[row], areas)
            if not (better & (shared / whole > 0.3)).any():
                expected.append(row)
        assert kept.tolist() == expected
        assert 200 < len(expected) < 1800, "too few or too many overlaps to prove anything"


class TestArithmetic:
    def test_a_window_covers_2i_plus_1_to_2i_plus_12(self):
        boxes = window_boxes(np.array([3]), np.array([5]), np.zeros((1, 4)), 0.5)
        assert boxes.tolist() == [[11 / 0.5, 7 / 0.5, 22 / 0.5, 18 / 0.5]]

    def test_a_windows_offsets_count_by_11_pixels(self):
        offsets = np.array([[0.1, -0.2, 0.3, 1.0]])
        boxes = window_boxes(np.array([0]), np.array([0]), offsets, 0.5)
        np.testing.assert_allclose(boxes, [[4.2, -2.4, 30.6, 46.0]])

    def test_calibration_counts_the_last_pixel(self):
        boxes = calibrated(np.array([[10.0, 20, 19, 39]]), np.array([[0.1, 0.1, -0.2, 0.5]]))
        np.testing.assert_allclose(boxes, [[11, 22, 17, 49]])

    def test_landmarks_are_x_first_then_y(self):
        parts = np.array([[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]])
        points = place_landmarks(np.array([[100.0, 200, 109, 219]]), parts)
        np.testing.assert_allclose(
            points, [[[99, 209], [100, 211], [101, 213], [102, 215], [103, 217]]]
        )

    def test_squares_keep_the_centre_and_the_longer_side(self):
        boxes = squared(np.array([[0.0, 0, 4, 10], [0, 0, 10, 4]]))
        assert boxes.tolist() == [[-3, 0, 7, 10], [0, -3, 10, 7]]

    def test_slivers_are_dropped(self):
        boxes = [(0, 0, 5, 0.9), (0, 0, 1, 1), (5, 5, 2, 9), (0, 0, 9, 9)]
        assert drop_slivers(candidates(boxes)).boxes.tolist() == [[0, 0, 1, 1], [0, 0, 9, 9]]
        assert len(drop_slivers(candidates([]))) == 0

    def test_joining_nothing_gives_no_candidates(self):
        assert len(Candidates.join([])) == 0


def plain_crop(picture: np.ndarray, box: np.ndarray, side: int) -> np.ndarray:
    """crop_and_resize by its definition, sample by sample: [3, H, W] -> [3, side, side]."""
    height, width = picture.shape[1:]
    top, left = box[1] / height * (height - 1), box[0] / width * (width - 1)
    bottom, right = box[3] / height * (height - 1), box[2] / width * (width - 1)
    crop = np.zeros((3, side, side))
    for row in range(side):
        for column in range(side):
            y = top + row * (bottom - top) / (side - 1)
            x = left + column * (right - left) / (side - 1)
            if not (0 <= y <= height - 1 and 0 <= x <= width - 1):
                continue
            y0, x0 = math.floor(y), math.floor(x)
            y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
            upper = picture[:, y0, x0] * (1 - (x - x0)) + picture[:, y0, x1] * (x - x0)
            lower = picture[:, y1, x0] * (1 - (x - x0)) + picture[:, y1, x1] * (x - x0)
            crop[:, row, column] = upper * (1 - (y - y0)) + lower * (y - y0)
    return crop


@pytest.mark.parametrize(
    "box",
    [
        (3, 4, 25, 21),
        (0.3, 5.7, 11.2, 9.9),
        (-4, -6.5, 20, 17.5),
        (20.2, 15.1, 48.2, 43.1),
        (-10, -10, 60, 60),
        (12, 12, 13.5, 13.5),
        (40, 40, 50, 50),
    ],
    ids=["inside", "fractions", "top left", "bottom right", "around", "tiny", "outside"],
)
def test_crops_are_the_definitions(box):
    pictures = torch.randn(2, 3, 31, 37, generator=torch.Generator().manual_seed(0))
    boxes = np.array([(1, 1, 9, 9), box], float)
    for side in (24, 48):
        crops = crop_and_resize(pictures, boxes, np.array([0, 1]), side)
        expected = plain_crop(pictures[1].double().numpy(), boxes[1], side)
        np.testing.assert_allclose(crops[1].numpy(), expected, atol=2e-4)
