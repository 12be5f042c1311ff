"""A window that shows frames while they come, where there is a screen."""

from __future__ import annotations

import os
import sys

import cv2
import numpy as np
from numpy.typing import NDArray

ENDING_KEYS = (ord("q"), 27)
"""q and Escape."""


class Window:
    """Shows frames until a key or its cross ends it."""

    def __init__(self, title: str) -> None:
        self._title = title

    def show(self, pixels: NDArray[np.uint8]) -> bool:
        """Show [H, W, 3] RGB; False once the user has had enough."""
        cv2.imshow(self._title, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        if cv2.waitKey(1) & 0xFF in ENDING_KEYS:
            return False
        return bool(cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1)

    def close(self) -> None:
        """Take the window away."""
        cv2.destroyWindow(self._title)


def open_window(title: str) -> Window | None:
    """A window, or None where there is no screen or OpenCV was built without windows."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return None
    try:
        cv2.namedWindow(title, cv2.WINDOW_NORMAL)
    except cv2.error:
        return None
    return Window(title)
