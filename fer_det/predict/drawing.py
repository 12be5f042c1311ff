"""Draw detections on their picture: a box around each face, and bars of its probabilities.

A few faces have their own bars beside the picture. Of more faces the bars are the shares of the
expressions among them, and the boxes have the expressions' colours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.predict.finish import GroupSummary
from fer_det.predict.labels import place_labels

Colour = tuple[int, int, int]

COLOURS: dict[Expression, tuple[int, int, int]] = {
    Expression.SURPRISE: (230, 140, 20),
    Expression.FEAR: (120, 70, 170),
    Expression.DISGUST: (100, 130, 30),
    Expression.HAPPINESS: (30, 160, 70),
    Expression.SADNESS: (40, 110, 200),
    Expression.ANGER: (210, 40, 50),
    Expression.NEUTRAL: (110, 110, 110),
    Expression.CONTEMPT: (150, 100, 60),
}
"""Of each expression, red, green and blue in 0..255."""
SMALLEST_HEIGHT, LARGEST_SIDE = 420, 1000
"""Pixels; other pictures are drawn enlarged or reduced, so that the text can be read."""
CROWD_FACE, LARGEST_CROWD = 64, 3000
"""A picture of a crowd is drawn larger, until its smaller faces have so many pixels or it so long a
side, but it is not enlarged beyond LARGEST_SIDE."""
FACES_WITH_BARS = 3

_PANEL_WIDTH, _MARGIN, _ROW = 250, 14, 24
_BAR_LEFT, _BAR_RIGHT = 92, 200
_PAPER, _INK, _TRACK = (250, 250, 250), (35, 35, 35), (226, 226, 226)
_FACES: tuple[Colour, ...] = ((0, 200, 90), (255, 150, 20), (60, 150, 255))
"""A colour for each face that has bars; the others have the last."""
NO_EXPRESSION: Colour = (200, 200, 200)
"""Of faces that are unknown or too small."""
_FONT, _TITLE_FONT = ImageFont.load_default(14), ImageFont.load_default(16)
_CROWD_FONT = ImageFont.load_default(11)


def draw_detections(
    pixels: NDArray[np.uint8], faces: Sequence[Detection], size: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """[H, W, 3] RGB and its faces, highest score first -> [H2, W2, 3] with boxes, and bars beside.

    size: (width, height) of the picture in which the boxes are given; that of `pixels` by default.
    """
    crowd = len(faces) > FACES_WITH_BARS
    to_pixels = pixels.shape[1] / (size[0] if size else pixels.shape[1])
    scale = max(1.0, SMALLEST_HEIGHT / pixels.shape[0])
    scale = min(scale, LARGEST_SIDE / max(pixels.shape[:2]))
    if crowd:
        small = float(np.percentile([face.size for face in faces], 10)) * to_pixels
        longest = max(pixels.shape[:2])
        most = max(min(1.0, LARGEST_CROWD / longest), LARGEST_SIDE / longest)
        scale = max(scale, min(CROWD_FACE / small, most))
    picture = Image.fromarray(pixels)
    drawn_size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    picture = picture.resize(drawn_size, Image.Resampling.BICUBIC)
    _draw_boxes(picture, faces, scale * to_pixels, crowd)
    shown = () if crowd else [n for n, face in enumerate(faces) if face.probabilities]
    panel_height = _panel_height(faces[shown[0]]) if shown else 0
    height = max(picture.height, len(shown) * panel_height + _MARGIN)
    height = max(height, _ROW * (len(COLOURS) + 4)) if crowd else height
    sheet = Image.new("RGB", (picture.width + _PANEL_WIDTH, height), _PAPER)
    sheet.paste(picture, (0, 0))
    left = picture.width + _MARGIN
    for row, number in enumerate(shown):
        parts = faces[number].probabilities.items()
        bars = {each.label: (part, _FACES[number]) for each, part in parts}
        _draw_bars(sheet, _title(faces[number]), bars, left, _MARGIN + row * panel_height)
    if crowd:
        _draw_summary(sheet, GroupSummary.of(faces), left)
    elif not shown:
        note = "no face was found" if not faces else f"{len(faces)} too small"
        ImageDraw.Draw(sheet).text((left, _MARGIN), note, fill=_INK, font=_TITLE_FONT)
    return np.asarray(sheet)


def outline(box: FaceBox) -> tuple[float, float, float, float]:
    """The box's outermost pixels, at least one each way, as Pillow draws them: both included."""
    right, lower = max(box.x_min, box.x_max - 1), max(box.y_min, box.y_max - 1)
    return box.x_min, box.y_min, right, lower


def _panel_height(face: Detection) -> int:
    return _ROW * (len(face.probabilities) + 1) + _MARGIN


def _title(face: Detection) -> str:
    marks = "".join(f", {flag.replace('_', ' ')}" for flag in face.flags)
    return f"face {face.score:.2f}{marks}"


def _draw_boxes(
    picture: Image.Image, faces: Sequence[Detection], scale: float, crowd: bool
) -> None:
    pen, font = ImageDraw.Draw(picture), _CROWD_FONT if crowd else _FONT
    boxes = [FaceBox(*(scale * edge for edge in face.box.as_tuple())) for face in faces]
    colours = [_colour(face) if crowd else _FACES[n] for n, face in enumerate(faces)]
    # The highest score is drawn last, over the others.
    for box, colour in reversed(list(zip(boxes, colours, strict=True))):
        pen.rectangle(outline(box), outline=colour, width=2 if crowd else 3)
    margin, tab = (2, 15) if crowd else (5, 21)
    words = [_wordings(face) for face in faces]
    widths = [[font.getlength(each) + 2 * margin for each in choice] for choice in words]
    places = place_labels(boxes, widths, tab, picture.size)
    for choice, (wording, place), colour in zip(words, places, colours, strict=True):
        pen.rectangle(place, fill=colour)
        ink = _PAPER if crowd and colour != NO_EXPRESSION else _INK
        inset = (place[0] + margin, place[1] + (1 if crowd else 2))
        pen.text(inset, choice[wording], fill=ink, font=font)


def _wordings(face: Detection) -> list[str]:
    """A face's label, and shorter forms for places where it has no room."""
    if face.expression is None or "unknown" in face.flags:
        return [face.label, "?"]
    probability = face.probabilities[face.expression]
    return [f"{face.label} {probability:.2f}", face.label, face.label[:3]]


def _colour(face: Detection) -> Colour:
    if face.expression is None or "unknown" in face.flags:
        return NO_EXPRESSION
    return COLOURS[face.expression]


def _draw_summary(sheet: Image.Image, summary: GroupSummary, left: int) -> None:
    """The shares of the expressions, and below them how many faces have none."""
    bars = {each.label: (share, COLOURS[each]) for each, share in summary.shares.items()}
    _draw_bars(sheet, f"{summary.faces} faces", bars, left, _MARGIN)
    pen = ImageDraw.Draw(sheet)
    notes = {"unknown": summary.unknown, "too small": summary.too_small}
    shown = [f"{count} {what}" for what, count in notes.items() if count]
    for row, note in enumerate(shown, start=len(bars) + 1):
        pen.text((left, _MARGIN + row * _ROW), note, fill=_INK, font=_FONT)


def _draw_bars(
    sheet: Image.Image, title: str, bars: Mapping[str, tuple[float, Colour]], left: int, top: int
) -> None:
    """bars: label -> its part, 0..1, and its colour."""
    pen = ImageDraw.Draw(sheet)
    pen.text((left, top), title, fill=_INK, font=_TITLE_FONT)
    for row, (label, (part, colour)) in enumerate(bars.items(), start=1):
        y = top + row * _ROW
        track = (left + _BAR_LEFT, y + 3, left + _BAR_RIGHT, y + 15)
        pen.text((left, y), label, fill=_INK, font=_FONT)
        pen.rectangle(track, fill=_TRACK)
        length = (_BAR_RIGHT - _BAR_LEFT) * part
        if length >= 1:
            pen.rectangle((track[0], track[1], track[0] + length, track[3]), fill=colour)
        pen.text((left + _BAR_RIGHT + 4, y), f"{part:.2f}", fill=_INK, font=_FONT)
