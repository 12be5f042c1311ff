import sys
from typing import Any

import cv2
import numpy as np
import pytest

from fer_det.predict.video import window as module
from fer_det.predict.video.window import open_window

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


def test_shows_until_the_user_has_had_enough(screen: Screen) -> None:
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
        raise module.cv2.error("The function is not implemented")

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(cv2, "namedWindow", refuse)
    assert open_window("faces") is None
