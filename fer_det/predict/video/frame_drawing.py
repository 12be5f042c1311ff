"""Tracked faces drawn on their frame: box, number, steady label, and frames per second."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fer_det.predict.drawing import outline
from fer_det.predict.video.timeline_picture import COLOURS
from fer_det.predict.video.track_video import TrackedFace, WatchedFrame

_PAPER, _NOTE = (255, 255, 255), (20, 20, 20)


def draw_frame(watched: WatchedFrame) -> NDArray[np.uint8]:
    """A frame's pixels with its faces -> a new [H, W, 3] RGB of the same size."""
    picture = Image.fromarray(watched.frame.pixels)
    pen = ImageDraw.Draw(picture)
    size = max(11, min(picture.size) // 30)
    # The surest is drawn last and lies on top.
    for face in reversed(watched.faces):
        _draw_face(pen, face, picture.width, size)
    note = f"{watched.rate:.1f} frames/s" if watched.rate else ""
    if not watched.faces:
        note = f"{note}  no face" if note else "no face"
    if note:
        _write(pen, (0, picture.height - size - 8), note, _NOTE, size)
    return np.asarray(picture)


def _draw_face(pen: ImageDraw.ImageDraw, face: TrackedFace, frame_width: int, size: int) -> None:
    box = face.steady.box
    colour = COLOURS[face.label]
    pen.rectangle(outline(box), outline=colour, width=max(2, size // 6))
    probability = face.steady.probabilities[face.label]
    words = f"{face.number}: {face.label.label} {probability:.2f}"
    height = size + 8
    left = max(0.0, min(box.x_min, frame_width - _font(size).getlength(words) - 10))
    top = box.y_min - height if box.y_min >= height else box.y_min
    _write(pen, (left, top), words, colour, size)


def _write(
    pen: ImageDraw.ImageDraw,
    place: tuple[float, float],
    words: str,
    ground: tuple[int, int, int],
    size: int,
) -> None:
    left, top = place
    pen.rectangle((left, top, left + _font(size).getlength(words) + 10, top + size + 8), ground)
    pen.text((left + 5, top + 2), words, fill=_PAPER, font=_font(size))


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
