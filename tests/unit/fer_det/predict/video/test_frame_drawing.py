import numpy as np
import pytest

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.predict.video.frame_drawing import draw_frame
from fer_det.predict.video.frames import Frame
from fer_det.predict.video.timeline_picture import COLOURS
from fer_det.predict.video.track_video import TrackedFace, WatchedFrame

GROUND = (90, 90, 90)


def watched(*boxes: FaceBox, rate: float = 0.0, size: tuple[int, int] = (240, 320)) -> WatchedFrame:
    faces = [Detection(box, 0.9, {Expression.FEAR: 0.4, Expression.ANGER: 0.6}) for box in boxes]
    tracked = [
        TrackedFace(number, face, face, Expression.FEAR) for number, face in enumerate(faces, 1)
    ]
    return WatchedFrame(Frame(0, 0.0, np.full((*size, 3), GROUND, np.uint8)), tuple(tracked), rate)


def test_the_box_has_the_label_s_colour() -> None:
    drawn = draw_frame(watched(FaceBox(100, 60, 200, 180)))
    assert drawn.shape == (240, 320, 3)
    for place in ((120, 100), (120, 199), (60, 150), (179, 150)):
        assert tuple(drawn[place]) == COLOURS[Expression.FEAR]
    assert tuple(drawn[120, 150]) == GROUND
    assert (drawn[42:58, 102:160] != GROUND).any()


def test_speed_and_an_empty_frame_are_told_at_the_bottom() -> None:
    assert (draw_frame(watched(FaceBox(0, 0, 50, 50)))[200:] == GROUND).all()
    assert (draw_frame(watched(FaceBox(0, 0, 50, 50), rate=20.0))[215:, :60] != GROUND).any()
    assert (draw_frame(watched())[215:, :60] != GROUND).any()


@pytest.mark.parametrize(
    "box", [FaceBox(0, 0, 320, 240), FaceBox(319.5, 239.5, 320, 240), FaceBox(-5, -5, 3, 3)]
)
def test_boxes_at_the_frame_s_edge(box: FaceBox) -> None:
    assert (draw_frame(watched(box)) != GROUND).any()


def test_the_frame_is_left_as_it_was() -> None:
    frame = watched(FaceBox(100, 60, 200, 180))
    draw_frame(frame)
    assert (frame.frame.pixels == GROUND).all()


def test_tiny_frames() -> None:
    assert draw_frame(watched(FaceBox(0, 0, 4, 4), rate=9.0, size=(6, 8))).shape == (6, 8, 3)
