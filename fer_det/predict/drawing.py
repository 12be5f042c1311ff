"""Draw detections on their picture: a box around each face, and bars of its probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection

Colour = tuple[int, int, int]

SMALLEST_HEIGHT, LARGEST_SIDE = 420, 1000
"""Pixels; other pictures are drawn enlarged or reduced, so that the text can be read."""
FACES_WITH_BARS = 3

_PANEL_WIDTH, _MARGIN, _ROW = 250, 14, 24
_BAR_LEFT, _BAR_RIGHT = 92, 200
_PAPER, _INK, _TRACK = (250, 250, 250), (35, 35, 35), (226, 226, 226)
_FACES: tuple[Colour, ...] = ((0, 200, 90), (255, 150, 20), (60, 150, 255))
"""A colour for each face that has bars; the others have the last."""
_FONT, _TITLE_FONT = ImageFont.load_default(14), ImageFont.load_default(16)


def draw_detections(
    pixels: NDArray[np.uint8], faces: Sequence[Detection], size: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """[H, W, 3] RGB and its faces, highest score first -> [H2, W2, 3] with boxes, and bars beside.

    size: (width, height) of the picture in which the boxes are given; that of `pixels` by default.
    """
    scale = max(1.0, SMALLEST_HEIGHT / pixels.shape[0])
    scale = min(scale, LARGEST_SIDE / max(pixels.shape[:2]))
    picture = Image.fromarray(pixels)
    drawn_size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    box_scale = scale * pixels.shape[1] / (size[0] if size else pixels.shape[1])
    picture = picture.resize(drawn_size, Image.Resampling.BICUBIC)
    # The highest score is drawn last, over the others.
    for number in reversed(range(len(faces))):
        _draw_box(picture, faces[number], number, box_scale)
    shown = faces[:FACES_WITH_BARS]
    height = max(picture.height, len(shown) * _panel_height(faces) + _MARGIN)
    sheet = Image.new("RGB", (picture.width + _PANEL_WIDTH, height), _PAPER)
    sheet.paste(picture, (0, 0))
    for number, face in enumerate(shown):
        top = _MARGIN + number * _panel_height(faces)
        _draw_bars(sheet, face, picture.width + _MARGIN, top, _FACES[number])
    if not faces:
        note = (picture.width + _MARGIN, _MARGIN)
        ImageDraw.Draw(sheet).text(note, "no face was found", fill=_INK, font=_TITLE_FONT)
    return np.asarray(sheet)


def outline(box: FaceBox) -> tuple[float, float, float, float]:
    """The box's outermost pixels, at least one each way, as Pillow draws them: both included."""
    right, lower = max(box.x_min, box.x_max - 1), max(box.y_min, box.y_max - 1)
    return box.x_min, box.y_min, right, lower


def _panel_height(faces: Sequence[Detection]) -> int:
    return _ROW * (len(faces[0].probabilities) + 1) + _MARGIN if faces else 0


def _draw_box(picture: Image.Image, face: Detection, number: int, scale: float) -> None:
    pen = ImageDraw.Draw(picture)
    colour = _FACES[min(number, len(_FACES) - 1)]
    edges = [scale * edge for edge in face.box.as_tuple()]
    box = FaceBox(*edges)
    pen.rectangle(outline(box), outline=colour, width=3)
    words = f"{face.expression.label} {face.probabilities[face.expression]:.2f}"
    width = _FONT.getlength(words) + 10
    # Above the box where there is room, else inside it; never beyond the right edge.
    top = box.y_min - 21 if box.y_min >= 21 else box.y_min
    left = max(0.0, min(box.x_min, picture.width - width))
    pen.rectangle((left, top, left + width, top + 21), fill=colour)
    pen.text((left + 5, top + 2), words, fill=_INK, font=_FONT)


def _draw_bars(sheet: Image.Image, face: Detection, left: int, top: int, colour: Colour) -> None:
    pen = ImageDraw.Draw(sheet)
    pen.text((left, top), f"face {face.score:.2f}", fill=_INK, font=_TITLE_FONT)
    for row, (expression, probability) in enumerate(face.probabilities.items(), start=1):
        y = top + row * _ROW
        track = (left + _BAR_LEFT, y + 3, left + _BAR_RIGHT, y + 15)
        pen.text((left, y), expression.label, fill=_INK, font=_FONT)
        pen.rectangle(track, fill=_TRACK)
        length = (_BAR_RIGHT - _BAR_LEFT) * probability
        if length >= 1:
            pen.rectangle((track[0], track[1], track[0] + length, track[3]), fill=colour)
        pen.text((left + _BAR_RIGHT + 4, y), f"{probability:.2f}", fill=_INK, font=_FONT)
