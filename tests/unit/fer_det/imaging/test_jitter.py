import subprocess
import sys

import cv2
import numpy as np
import pytest

from fer_det.core.box import FaceBox
from fer_det.errors import ConfigError, ImageError
from fer_det.imaging.affine import MAX_SIDE, rotation_matrix, turn_box, turn_boxes, warp
from fer_det.imaging.jitter import (
    JitterDraw,
    JitterRanges,
    apply_colour,
    apply_rotation,
    draw_jitter,
    jitter_generator,
)

GOLDEN = [0.20391259098483772, 0.508427927625396]
STILL = JitterDraw(0.0, (1.0, 1.0, 1.0), 0.0)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def drawn_ellipse(box: FaceBox, width: int, height: int) -> np.ndarray:
    """White on black, edges softened by averaging 8 x 8 points a pixel."""
    fine = (np.arange(8) + 0.5) / 8
    x = (np.arange(width)[:, None] + fine).ravel()
    y = (np.arange(height)[:, None] + fine).ravel()
    centre_x, centre_y = box.centre
    inside = ((x[None, :] - centre_x) / box.width * 2) ** 2 + (
        (y[:, None] - centre_y) / box.height * 2
    ) ** 2 <= 1
    gray = inside.reshape(height, 8, width, 8).mean(axis=(1, 3)) * 255
    return np.repeat(np.rint(gray).astype(np.uint8)[..., None], 3, axis=2)


def outermost_pixels(pixels: np.ndarray) -> tuple[float, float, float, float]:
    """The edges of the pixels that a white shape covers by more than half."""
    edges = []
    for profile in (pixels[..., 0].max(axis=0), pixels[..., 0].max(axis=1)):
        covered = np.flatnonzero(profile > 127)
        edges.append((covered[0], covered[-1] + 1))
    (x_min, x_max), (y_min, y_max) = edges
    return x_min, y_min, x_max, y_max


def extent_by_moments(pixels: np.ndarray) -> tuple[float, float, float, float]:
    """Mean +- 2 standard deviations: the extent of an evenly filled ellipse, in any direction."""
    weights = pixels[..., 0] / pixels[..., 0].sum(dtype=float)
    edges = []
    for axis in (0, 1):
        place = np.arange(weights.shape[1 - axis]) + 0.5
        share = weights.sum(axis=axis)
        mean = (place * share).sum()
        deviation = (((place - mean) ** 2) * share).sum() ** 0.5
        edges.append((mean - 2 * deviation, mean + 2 * deviation))
    (x_min, x_max), (y_min, y_max) = edges
    return x_min, y_min, x_max, y_max


class TestGenerator:
    def test_numbers_stay_the_same_for_ever(self) -> None:
        # Written down once: SHA-256 of '[7, "train_00001", 2]' keys a Philox counter. A change
        # here changes every balanced folder.
        numbers = jitter_generator(7, "train_00001", 2).random(2)
        assert numbers.tolist() == GOLDEN

    @pytest.mark.parametrize("other", [(8, "a", 1), (7, "b", 1), (7, "a", 2), (-7, "a", 1)])
    def test_each_part_of_the_key_counts(self, other: tuple[int, str, int]) -> None:
        assert jitter_generator(7, "a", 1).random() != jitter_generator(*other).random()

    def test_another_process_draws_the_same(self) -> None:
        code = (
            "from fer_det.imaging.jitter import *;"
            "print(repr(draw_jitter(JitterRanges(), jitter_generator(3, 'x', 1))))"
        )
        told = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        assert told.strip() == repr(draw_jitter(JitterRanges(), jitter_generator(3, "x", 1)))


class TestDraw:
    def test_stays_within_the_ranges_and_reaches_far(self) -> None:
        ranges = JitterRanges(brightness=0.2, colour=0.05, rotation=10)
        draws = [draw_jitter(ranges, jitter_generator(0, "p", copy)) for copy in range(500)]
        for values, limit in [
            ([draw.brightness for draw in draws], 0.2),
            ([gain - 1 for draw in draws for gain in draw.gains], 0.05),
            ([draw.degrees for draw in draws], 10),
        ]:
            assert max(map(abs, values)) <= limit
            assert min(values) < -0.9 * limit
            assert max(values) > 0.9 * limit

    def test_no_range_no_change(self) -> None:
        assert draw_jitter(JitterRanges(0, 0, 0), jitter_generator(0, "p", 1)) == STILL

    def test_one_range_leaves_the_other_draws_alone(self) -> None:
        wide = draw_jitter(JitterRanges(), jitter_generator(0, "p", 1))
        still = draw_jitter(JitterRanges(brightness=0), jitter_generator(0, "p", 1))
        assert (still.gains, still.degrees) == (wide.gains, wide.degrees)

    @pytest.mark.parametrize(
        "ranges",
        [
            {"brightness": -0.1},
            {"brightness": 1.0},
            {"colour": float("nan")},
            {"rotation": 181},
            {"rotation": float("inf")},
        ],
    )
    def test_impossible_range_is_refused(self, ranges: dict[str, float]) -> None:
        with pytest.raises(ConfigError, match=next(iter(ranges))):
            JitterRanges(**ranges)


class TestColour:
    def test_each_channel_follows_its_own_gain(self) -> None:
        pixels = np.tile(np.array([100, 100, 50], np.uint8), (2, 3, 1))
        changed = apply_colour(pixels, JitterDraw(0.2, (1.0, 0.5, 1.1), 0.0))
        # 100 x 1.2 = 120; 120 x 0.5 = 60; 50 x 1.2 x 1.1 = 66
        assert np.unique(changed.reshape(-1, 3), axis=0).tolist() == [[120, 60, 66]]
        assert pixels[0, 0].tolist() == [100, 100, 50]

    def test_saturates_and_never_wraps(self) -> None:
        changed = apply_colour(np.full((1, 1, 3), 250, np.uint8), JitterDraw(0.5, (1, 1, 1), 0))
        assert changed.tolist() == [[[255, 255, 255]]]

    def test_gray_picture_stays_gray(self) -> None:
        gray = np.full((4, 5, 3), 100, dtype=np.uint8)
        changed = apply_colour(gray, JitterDraw(0.1, (1.1, 1.0, 0.6), 0.0))
        # 100 x 1.1 x the mean gain 0.9 = 99
        assert np.unique(changed).tolist() == [99]
        assert changed.shape == gray.shape
        assert changed.dtype == np.uint8

    @pytest.mark.parametrize("channel", range(3))
    def test_one_coloured_pixel_makes_a_colour_picture(self, channel: int) -> None:
        pixels = np.full((4, 5, 3), 100, dtype=np.uint8)
        pixels[2, 3, channel] = 101
        changed = apply_colour(pixels, JitterDraw(0.0, (1.1, 1.0, 0.6), 0.0))
        assert changed[0, 0].tolist() == [110, 100, 60]

    def test_none_changes_nothing(self) -> None:
        assert np.array_equal(apply_colour(noise(5, 6), STILL), noise(5, 6))


class TestRotation:
    def test_none_changes_nothing(self) -> None:
        assert np.array_equal(apply_rotation(noise(31, 40), 0.0), noise(31, 40))

    def test_quarter_turns_are_exact_and_anticlockwise(self) -> None:
        pixels = noise(30, 30)
        assert np.array_equal(apply_rotation(pixels, 90), np.rot90(pixels))
        assert np.array_equal(apply_rotation(pixels, 180), np.rot90(pixels, 2))
        assert np.array_equal(apply_rotation(pixels, -90), np.rot90(pixels, -1))

    def test_corners_are_never_black(self) -> None:
        bright = np.full((40, 60, 3), 200, dtype=np.uint8)
        assert apply_rotation(bright, 15).min() == 200

    def test_matrix_keeps_the_centre_in_pixel_edges(self) -> None:
        matrix = rotation_matrix(33, 40, 30)
        assert matrix @ [20, 15, 1] == pytest.approx([20, 15])

    def test_size_opencv_cannot_count_is_told(self) -> None:
        with pytest.raises(ImageError, match="32,766"):
            apply_rotation(np.zeros((2, MAX_SIDE + 1, 3), np.uint8), 5)

    def test_warp_scales_edges_onto_edges(self) -> None:
        # Twice as large: the pixel column [3, 4) becomes [6, 8).
        pixels = np.zeros((8, 8, 3), np.uint8)
        pixels[:, 3] = 255
        double = np.array([[2.0, 0, 0], [0, 2.0, 0]])
        row = warp(pixels, double, 16, 16)[8, :, 0] / 255
        weighted = ((np.arange(16) + 0.5) * row).sum() / row.sum()
        assert weighted == pytest.approx(7.0, abs=0.02)


class TestBoxes:
    @pytest.mark.parametrize("degrees", [-15, -7.5, 4, 15, 40])
    def test_box_is_where_a_drawn_ellipse_went(self, degrees: float) -> None:
        width, height = 200, 160
        box = FaceBox(60, 30, 120, 110)
        turned = turn_box(box, rotation_matrix(degrees, width, height))
        drawn = apply_rotation(drawn_ellipse(box, width, height), degrees)
        assert turned.as_tuple() == pytest.approx(outermost_pixels(drawn), abs=1.0)
        # To forget the half pixel moves every edge by 0.5 (cos - 1 +- sin): 0.15 at 15 degrees.
        assert turned.as_tuple() == pytest.approx(extent_by_moments(drawn), abs=0.03)

    def test_fits_better_than_the_hull_of_the_corners(self) -> None:
        # The figures of the design: at 15 degrees, against the extent of a turned ellipse of a
        # face's proportions; 4:5 is such a face.
        box, matrix = FaceBox(60, 30, 124, 110), rotation_matrix(15, 200, 160)
        corners = np.array([[60, 30, 1], [124, 30, 1], [60, 110, 1], [124, 110, 1]]) @ matrix.T
        hull = np.prod(corners.max(axis=0) - corners.min(axis=0)) / box.area
        assert hull == pytest.approx(1.51, abs=0.01)
        assert turn_box(box, matrix).area / box.area == pytest.approx(1.01, abs=0.01)

    def test_any_affine_matrix(self) -> None:
        boxes = np.array([[10.0, 20, 30, 60], [0, 0, 4, 4]])
        mirror_and_scale = np.array([[-2.0, 0, 100], [0, 0.5, 3]])
        assert turn_boxes(boxes, mirror_and_scale).tolist() == [[40, 13, 80, 33], [92, 3, 100, 5]]

    def test_shear_against_points_on_the_ellipse(self) -> None:
        matrix = np.array([[1.1, 0.4, -3], [-0.2, 0.8, 5]])
        angle = np.linspace(0, 2 * np.pi, 100_000)
        points = np.stack([20 + 10 * np.cos(angle), 40 + 20 * np.sin(angle), np.ones_like(angle)])
        moved = matrix @ points
        wanted = [*moved.min(axis=1), *moved.max(axis=1)]
        assert turn_box(FaceBox(10, 20, 30, 60), matrix).as_tuple() == pytest.approx(wanted)

    def test_no_box_and_input_left_as_it_was(self) -> None:
        assert turn_boxes(np.zeros((0, 4)), rotation_matrix(5, 10, 10)).shape == (0, 4)
        boxes = np.array([[1, 2, 3, 4]], dtype=np.float32)
        turned = turn_boxes(boxes, rotation_matrix(5, 10, 10))
        assert boxes.tolist() == [[1, 2, 3, 4]]
        assert turned.dtype == np.float64


def test_threads_of_opencv_do_not_matter() -> None:
    before = cv2.getNumThreads()
    many = apply_rotation(noise(300, 400), 11)
    cv2.setNumThreads(0)
    try:
        assert np.array_equal(apply_rotation(noise(300, 400), 11), many)
    finally:
        cv2.setNumThreads(before)
