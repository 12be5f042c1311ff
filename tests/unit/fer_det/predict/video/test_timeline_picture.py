import numpy as np
import pytest

from fer_det.core.expression import BASIC_EXPRESSIONS, Expression
from fer_det.predict.video.timeline import Said, Timeline
from fer_det.predict.video.timeline_picture import COLOURS, MOST_PANELS, clock, draw_timeline


def surely(expression: Expression) -> Said:
    return {each: float(each is expression) for each in BASIC_EXPRESSIONS}, expression


def columns_of(pixels: np.ndarray, expression: Expression) -> np.ndarray:
    """Where a strip or curve of that colour stands, below the legend."""
    near = np.abs(pixels[64:].astype(int) - COLOURS[expression]).max(axis=2) < 12
    return np.flatnonzero(near.sum(axis=0) > 5)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0:00"), (7.5, "0:07.5"), (59.98, "1:00"), (750, "12:30"), (3605, "1:00:05")],
)
def test_clock(seconds: float, told: str) -> None:
    assert clock(seconds) == told


def test_the_strip_changes_colour_when_the_expression_does() -> None:
    timeline = Timeline(BASIC_EXPRESSIONS)
    for frame in range(400):
        happy = frame < 100 or frame >= 300
        faces = {1: surely(Expression.HAPPINESS if happy else Expression.ANGER)}
        timeline.add(frame / 10, faces if frame < 350 else {})
    pixels = draw_timeline(timeline, "a.mp4")
    left, width = 60, 1200 - 60 - 24
    angry, happy = columns_of(pixels, Expression.ANGER), columns_of(pixels, Expression.HAPPINESS)
    assert (angry[0], angry[-1]) == pytest.approx(
        (left + width * 10 / 39.9, left + width * 30 / 39.9), abs=4
    )
    assert (happy[0], happy[-1]) == pytest.approx((left, left + width * 35 / 39.9), abs=4)
    assert not len(columns_of(pixels, Expression.FEAR))


def test_no_more_panels_than_can_be_read() -> None:
    heights = []
    for faces in (1, 3, MOST_PANELS, MOST_PANELS + 5):
        timeline = Timeline(BASIC_EXPRESSIONS)
        for frame in range(3):
            seen = {number: surely(Expression.NEUTRAL) for number in range(1, faces + 1)}
            timeline.add(frame / 10, seen)
        heights.append(draw_timeline(timeline, "a.mp4").shape[0])
    assert heights[0] < heights[1] < heights[2] == heights[3]


def test_a_single_frame_and_no_face() -> None:
    timeline = Timeline(BASIC_EXPRESSIONS)
    timeline.add(0.0, {})
    empty = draw_timeline(timeline, "a.mp4")
    timeline.add(0.0, {1: surely(Expression.SADNESS)})
    assert len(columns_of(draw_timeline(timeline, "a.mp4"), Expression.SADNESS))
    assert not len(columns_of(empty, Expression.SADNESS))
    assert (empty[64:] < 100).any()
