import sys
from typing import Any

import cv2
import numpy as np
import pytest

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection, TrackedFace
from fer_det.core.expression import Expression
from fer_det.predict.drawing import COLOURS
from fer_det.predict.video.frames import Frame
from fer_det.predict.video.screen import draw_frame, open_window
from fer_det.predict.video.tracking import TrackedFrame

GROUND = (90, 90, 90)


def tracked(*boxes: FaceBox, rate: float = 0.0, size: tuple[int, int] = (240, 320)) -> TrackedFrame:
    faces = [Detection(box, 0.9, {Expression.FEAR: 0.4, Expression.ANGER: 0.6}) for box in boxes]
    numbered = [
        TrackedFace(number, face, face, Expression.FEAR) for number, face in enumerate(faces, 1)
    ]
    return TrackedFrame(Frame(0, 0.0, np.full((*size, 3), GROUND, np.uint8)), tuple(numbered), rate)


def test_the_box_has_the_label_s_colour() -> None:
    drawn = draw_frame(tracked(FaceBox(100, 60, 200, 180)))
    assert drawn.shape == (240, 320, 3)
    for place in ((120, 100), (120, 199), (60, 150), (179, 150)):
        assert tuple(drawn[place]) == COLOURS[Expression.FEAR]
    assert tuple(drawn[120, 150]) == GROUND
    assert (drawn[42:58, 102:160] != GROUND).any()


def test_speed_and_an_empty_frame_are_noted_at_the_bottom() -> None:
    assert (draw_frame(tracked(FaceBox(0, 0, 50, 50)))[200:] == GROUND).all()
    assert (draw_frame(tracked(FaceBox(0, 0, 50, 50), rate=20.0))[215:, :60] != GROUND).any()
    assert (draw_frame(tracked())[215:, :60] != GROUND).any()


@pytest.mark.parametrize(
    "box", [FaceBox(0, 0, 320, 240), FaceBox(319.5, 239.5, 320, 240), FaceBox(-5, -5, 3, 3)]
)
def test_boxes_at_the_frame_s_edge(box: FaceBox) -> None:
    assert (draw_frame(tracked(box)) != GROUND).any()


def test_the_frame_is_left_as_it_was() -> None:
    frame = tracked(FaceBox(100, 60, 200, 180))
    draw_frame(frame)
    assert (frame.frame.pixels == GROUND).all()


def test_tiny_frames() -> None:
    assert draw_frame(tracked(FaceBox(0, 0, 4, 4), rate=9.0, size=(6, 8))).shape == (6, 8, 3)


PIXELS = np.zeros((4, 4, 3), np.uint8)


class Screen:
    """OpenCV's windows, with a user who presses `key`."""

    def __init__(self) -> None:
        self.key = -1
        self.visible = 1.0
        self.shown: list[Any] = []
        self.open: list[str] = []


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    screen = Screen()
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(cv2, "namedWindow", lambda title, _: screen.open.append(title))
    monkeypatch.setattr(cv2, "imshow", lambda _, pixels: screen.shown.append(pixels))
    monkeypatch.setattr(cv2, "waitKey", lambda _: screen.key)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: screen.visible)
    monkeypatch.setattr(cv2, "destroyWindow", lambda title: screen.open.remove(title))
    return screen


def test_shows_until_the_user_ends_it(screen: Screen) -> None:
    window = open_window("faces")
    assert window is not None
    assert window.show(PIXELS)
    for key in (ord("q"), 27):
        screen.key = key
        assert not window.show(PIXELS)
    screen.key, screen.visible = -1, 0.0
    assert not window.show(PIXELS)
    window.close()
    assert screen.open == []


def test_opencv_is_given_its_own_order_of_colours(screen: Screen) -> None:
    window = open_window("faces")
    assert window is not None
    window.show(np.full((2, 2, 3), (1, 2, 3), np.uint8))
    assert screen.shown[0][0, 0].tolist() == [3, 2, 1]


def test_none_without_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cv2, "namedWindow", lambda *_: pytest.fail("opened"))
    assert open_window("faces") is None


def test_none_where_opencv_has_no_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise cv2.error("The function is not implemented")

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(cv2, "namedWindow", refuse)
    assert open_window("faces") is None
