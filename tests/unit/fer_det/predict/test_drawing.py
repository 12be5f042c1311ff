from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.predict.drawing import (
    COLOURS,
    LARGEST_CROWD,
    LARGEST_SIDE,
    SMALLEST_HEIGHT,
    draw_detections,
)

GROUND = (90, 90, 90)
GREEN = (0, 200, 90)


def blank(height: int = 500, width: int = 600) -> NDArray[np.uint8]:
    return np.full((height, width, 3), GROUND, np.uint8)


def face(x_min: float, y_min: float, x_max: float, y_max: float, fear: float = 0.25) -> Detection:
    probabilities = {Expression.FEAR: fear, Expression.ANGER: 1 - fear}
    return Detection(FaceBox(x_min, y_min, x_max, y_max), 0.9, probabilities)


def test_a_box_is_drawn_around_the_face_and_not_over_it() -> None:
    drawn = draw_detections(blank(), [face(100, 120, 300, 400)])
    assert tuple(drawn[250, 100]) == GREEN
    assert tuple(drawn[250, 299]) == GREEN
    assert tuple(drawn[399, 200]) == GREEN
    assert tuple(drawn[250, 200]) == GROUND
    assert tuple(drawn[450, 200]) == GROUND


@pytest.mark.parametrize(("top", "bottom"), [(120.0, 400.0), (0.0, 400.0), (0.0, 500.0)])
def test_the_words_lie_above_the_box_or_below_or_inside_it(top: float, bottom: float) -> None:
    drawn = draw_detections(blank(), [face(100, top, 300, bottom)])
    tab = int(top) - 12 if top else 412 if bottom == 400 else 12
    assert (drawn[tab - 8 : tab + 8, 100:180] != GROUND).any(axis=2).mean() > 0.5


@pytest.mark.parametrize("fear", [0.9, 0.2])
def test_bars_are_as_long_as_the_probabilities(fear: float) -> None:
    plain = draw_detections(blank(), [])
    panel = draw_detections(blank(), [face(100, 120, 300, 400, fear)])[:, plain.shape[1] - 250 :]
    rows = (panel == GREEN).all(axis=2).sum(axis=1)
    lengths = sorted({int(length) for length in rows if length > 4})
    assert len(lengths) == 2
    assert lengths[0] / lengths[1] == pytest.approx(min(fear, 1 - fear) / max(fear, 1 - fear), 0.08)


def test_small_pictures_are_enlarged_with_their_boxes() -> None:
    drawn = draw_detections(blank(105, 100), [face(25, 50, 75, 100)])
    assert drawn.shape[0] == SMALLEST_HEIGHT
    assert tuple(drawn[300, 100]) == GREEN


@pytest.mark.parametrize(("height", "width"), [(2400, 3200), (3200, 2400), (50, 4000), (2, 9000)])
def test_large_and_long_pictures_are_reduced_with_their_boxes(height: int, width: int) -> None:
    drawn = draw_detections(blank(height, width), [face(0, 0, width / 2, height)])
    scale = LARGEST_SIDE / max(height, width)
    assert drawn.shape[1] == round(scale * width) + 250
    assert drawn.shape[0] >= max(1, round(scale * height))
    assert tuple(drawn[0, round(scale * width / 2) - 1]) == GREEN


def test_boxes_may_be_given_in_the_pixels_of_a_larger_file() -> None:
    whole = draw_detections(blank(), [face(100, 120, 300, 400)])
    drawn = draw_detections(blank(), [face(200, 240, 600, 800)], size=(1200, 1000))
    assert np.array_equal(drawn, whole)


def test_several_faces_and_none() -> None:
    first, second = face(10, 60, 110, 200), face(300, 60, 400, 200)
    drawn = draw_detections(blank(), [first, second])
    assert tuple(drawn[150, 10]) == GREEN
    assert tuple(drawn[150, 300]) not in (GREEN, GROUND)
    assert (draw_detections(blank(), []) != 250).any()
    assert (draw_detections(blank(), [])[:, :600] == GROUND).all()


def test_a_crowd_is_drawn_larger_with_colours_of_expressions_and_their_shares() -> None:
    crowd = [face(20 + 60 * n, 100, 44 + 60 * n, 130, fear=0.9 if n else 0.2) for n in range(4)]
    unsure = replace(crowd[3], flags=("unknown",))
    small = replace(face(300, 100, 310, 112), probabilities={}, flags=("too_small",))
    drawn = draw_detections(blank(2000, 3200), [*crowd[:3], unsure, small])
    # Faces of 30 pixels: as large as is allowed, and not the 1,000 pixels of other pictures.
    scale = LARGEST_CROWD / 3200
    assert drawn.shape[:2] == (round(2000 * scale), LARGEST_CROWD + 250)
    for each, colour in (
        (crowd[0], COLOURS[Expression.ANGER]),
        (crowd[1], COLOURS[Expression.FEAR]),
    ):
        row, column = round(scale * 115), round(scale * each.box.x_min)
        assert (drawn[row, column - 1 : column + 3] == colour).all(axis=1).any()
    panel = drawn[:, LARGEST_CROWD:]
    fear, anger = (
        (panel == COLOURS[e]).all(axis=2).sum() for e in (Expression.FEAR, Expression.ANGER)
    )
    assert fear == pytest.approx(2 * anger, rel=0.05)
    enlarged = draw_detections(blank(375, 500), crowd)
    assert enlarged.shape[1] == LARGEST_SIDE + 250


def test_faces_without_probabilities_have_a_box_and_no_bars() -> None:
    small = replace(face(100, 120, 110, 132), probabilities={}, flags=("too_small",))
    drawn = draw_detections(blank(), [small])
    assert tuple(drawn[125, 100]) == GREEN
    assert (drawn[60:, 600:] == 250).all()
    both = draw_detections(blank(), [small, face(300, 120, 400, 260)])
    assert ((both[:, 600:] == (255, 150, 20)).all(axis=2)).any()


def test_the_picture_given_is_left_as_it_was() -> None:
    pixels = blank()
    draw_detections(pixels, [face(100, 120, 300, 400)])
    assert (pixels == GROUND).all()
