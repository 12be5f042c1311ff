"""Draw tracked faces on their frame, and show frames in a window."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fer_det.core.detection import TrackedFace
from fer_det.predict.drawing import COLOURS, NO_EXPRESSION, outline
from fer_det.predict.labels import place_labels
from fer_det.predict.video.tracking import TrackedFrame

CLOSING_KEYS = (ord("q"), 27)
"""q and Escape."""

_PAPER, _INK, _NOTE = (255, 255, 255), (23, 23, 23), (20, 20, 20)


def draw_frame(tracked: TrackedFrame) -> NDArray[np.uint8]:
    """A new [H, W, 3] RGB: the frame with each face's box, number and label."""
    picture = Image.fromarray(tracked.frame.pixels)
    pen = ImageDraw.Draw(picture)
    size = max(11, min(picture.size) // 30)
    _draw_faces(pen, tracked.faces, picture.size, size)
    note = f"{tracked.rate:.1f} frames/s" if tracked.rate else ""
    if not tracked.faces:
        note = f"{note}  no face" if note else "no face"
    if note:
        _write(pen, (0, picture.height - size - 8), note, _NOTE, size)
    return np.asarray(picture)


class Window:
    """A window that shows frames until the user closes it or presses one of CLOSING_KEYS."""

    def __init__(self, title: str) -> None:
        self._title = title

    def show(self, pixels: NDArray[np.uint8]) -> bool:
        """Show [H, W, 3] RGB; False after the user has ended it."""
        cv2.imshow(self._title, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        if cv2.waitKey(1) & 0xFF in CLOSING_KEYS:
            return False
        return bool(cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1)

    def close(self) -> None:
        """Close the window."""
        cv2.destroyWindow(self._title)


def open_window(title: str) -> Window | None:
    """Open a window; None without a screen or with an OpenCV that has no windows."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return None
    try:
        cv2.namedWindow(title, cv2.WINDOW_NORMAL)
    except cv2.error:
        return None
    return Window(title)


def _draw_faces(
    pen: ImageDraw.ImageDraw, faces: Sequence[TrackedFace], frame: tuple[int, int], size: int
) -> None:
    # Lower numbers choose the place of their label first, so that it stays from frame to frame.
    faces = sorted(faces, key=lambda face: face.number)
    boxes = [face.smoothed.box for face in faces]
    colours = [NO_EXPRESSION if face.label is None else COLOURS[face.label] for face in faces]
    for box, colour in zip(boxes, colours, strict=True):
        pen.rectangle(outline(box), outline=colour, width=max(2, size // 6))
    words = [_wordings(face) for face in faces]
    widths = [[_font(size).getlength(each) + 10 for each in choice] for choice in words]
    places = place_labels(boxes, widths, size + 8, frame)
    for choice, (wording, place), colour in zip(words, places, colours, strict=True):
        _write(pen, place[:2], choice[wording], colour, size)


def _wordings(face: TrackedFace) -> list[str]:
    """Number and label, and shorter forms for places where they have no room."""
    name = f"{face.number}: {face.label_name}"
    if face.label is None:
        return [name, str(face.number)]
    return [f"{name} {face.smoothed.probabilities[face.label]:.2f}", name, str(face.number)]


def _write(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float],
    words: str,
    ground: tuple[int, int, int],
    size: int,
) -> None:
    left, top = place
    pen.rectangle((left, top, left + _font(size).getlength(words) + 10, top + size + 8), ground)
    ink = _INK if ground == NO_EXPRESSION else _PAPER
    pen.text((left + 5, top + 2), words, fill=ink, font=_font(size))


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
