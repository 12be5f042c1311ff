"""One picture that shows what a build did: some pictures of each class, and rejected ones."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from fer_det.core.picture import PictureSource
from fer_det.errors import FerDetError
from fer_det.imaging.decode import decode_rgb8, load_rgb8
from fer_det.io.files import write_bytes
from fer_det.io.voc import VocFolder
from voc_builder.build.faces import DATASET_BOX
from voc_builder.build.records import Record

CONTACT_SHEET_NAME = "contact_sheet.jpg"

Colour = tuple[int, int, int]

COLUMNS = 8
REJECTED_ROWS = 3
TILE = 150
"""Side of the square that a picture is fitted into, in pixels."""

_LINE, _LINES = 14, 3
_CAPTION = _LINES * _LINE + 4
_MARGIN = 8
_TITLE = 30
_PAPER, _INK, _FAINT = (255, 255, 255), (30, 30, 30), (110, 110, 110)
_TILE_GROUND = (228, 228, 228)
_LABELLED, _DATASET, _IGNORED = (0, 200, 60), (255, 140, 0), (150, 150, 150)
_REJECTED = (200, 30, 30)
_LEGEND = (
    (_LABELLED, "labelled face"),
    (_DATASET, "labelled face, the data set's own box"),
    (_IGNORED, "other face, ignored"),
)
_FONT = ImageFont.load_default(12)
_TITLE_FONT = ImageFont.load_default(16)


def write_contact_sheet(
    path: Path,
    folder: VocFolder,
    records: Sequence[Record],
    classes: Sequence[str],
    pictures: Mapping[str, PictureSource],
) -> None:
    """Draw the sheet; the same build always gives the same picture.

    pictures: by id, for the rejected ones, if they can be read at all.
    """
    rows: list[tuple[str, list[Image.Image]]] = []
    for name in classes:
        own = [
            record
            for record in records
            if any(face.expression == name for face in record.written_faces)
        ]
        tiles = [_draw_written(folder, record) for record in _choose(own, COLUMNS)]
        rows.append((f"{name}: {len(own)} written", tiles))
    rejected = [record for record in records if record.status == "rejected"]
    tiles = [
        _draw_rejected(pictures[record.id], record)
        for record in _choose(rejected, COLUMNS * REJECTED_ROWS)
    ]
    for start in range(0, len(tiles), COLUMNS):
        title = f"rejected: {len(rejected)}" if start == 0 else ""
        rows.append((title, tiles[start : start + COLUMNS]))
    buffer = io.BytesIO()
    _lay_out(rows).save(buffer, "JPEG", quality=88)
    write_bytes(path, buffer.getvalue())


def _choose(records: Sequence[Record], count: int) -> list[Record]:
    """`count` of the records, chosen by their ids alone."""
    return sorted(records, key=lambda record: hashlib.sha256(record.id.encode()).digest())[:count]


def _draw_written(folder: VocFolder, record: Record) -> Image.Image:
    annotation = folder.read(record.id)
    picture = Image.fromarray(load_rgb8(folder.image_path(record.id)))
    tile, scale, left, top = _fit(picture)
    draw = ImageDraw.Draw(tile)
    # The labelled faces are the first objects; drawn last, they are on top.
    colours = [
        _DATASET if face.box_source == DATASET_BOX else _LABELLED for face in record.written_faces
    ]
    colours += [_IGNORED] * (len(annotation.objects) - len(colours))
    for face, colour in reversed(list(zip(annotation.objects, colours, strict=True))):
        edges = [scale * edge for edge in face.box.as_tuple()]
        place = (left + edges[0], top + edges[1], left + edges[2] - 1, top + edges[3] - 1)
        draw.rectangle(place, outline=colour, width=2)
    first = record.written_faces[0]
    score = "" if first.score is None else f" {first.score:.2f}"
    return _caption(tile, record.id, (f"{first.box_source}{score}, {record.split}",), _FAINT)


def _draw_rejected(picture: PictureSource, record: Record) -> Image.Image:
    try:
        tile = _fit(Image.fromarray(decode_rgb8(picture.read(), picture.name).pixels))[0]
    except FerDetError:
        tile = Image.new("RGB", (TILE, TILE), _TILE_GROUND)
        draw = ImageDraw.Draw(tile)
        draw.line((0, 0, TILE, TILE), fill=_IGNORED)
        draw.line((0, TILE, TILE, 0), fill=_IGNORED)
    expressions = ", ".join(face.expression for face in record.faces)
    return _caption(tile, record.id, (f"{expressions}:", record.reason or ""), _REJECTED)


def _fit(picture: Image.Image) -> tuple[Image.Image, float, int, int]:
    """(tile with the picture in its middle, scale of the picture, its left, its top)."""
    scale = TILE / max(picture.size)
    width, height = (max(1, round(scale * side)) for side in picture.size)
    left, top = (TILE - width) // 2, (TILE - height) // 2
    tile = Image.new("RGB", (TILE, TILE), _TILE_GROUND)
    tile.paste(picture.resize((width, height), Image.Resampling.BILINEAR), (left, top))
    return tile, scale, left, top


def _caption(tile: Image.Image, name: str, lines: Sequence[str], colour: Colour) -> Image.Image:
    with_caption = Image.new("RGB", (TILE, TILE + _CAPTION), _PAPER)
    with_caption.paste(tile, (0, 0))
    draw = ImageDraw.Draw(with_caption)
    for number, line in enumerate((name, *lines)):
        place, ink = (0, TILE + 1 + number * _LINE), colour if number else _INK
        draw.text(place, _shorten(line), fill=ink, font=_FONT)
    return with_caption


def _shorten(text: str) -> str:
    if _FONT.getlength(text) <= TILE:
        return text
    while _FONT.getlength(f"{text}...") > TILE:
        text = text[:-1]
    return f"{text}..."


def _lay_out(rows: Sequence[tuple[str, Sequence[Image.Image]]]) -> Image.Image:
    width = COLUMNS * (TILE + _MARGIN) + _MARGIN
    tile_height = TILE + _CAPTION + _MARGIN
    heights = [(_TITLE if title else 0) + (tile_height if tiles else 0) for title, tiles in rows]
    sheet = Image.new("RGB", (width, _TITLE + sum(heights) + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    _draw_legend(draw)
    top = _TITLE + _MARGIN
    for (title, tiles), height in zip(rows, heights, strict=True):
        if title:
            draw.text((_MARGIN, top + 4), title, fill=_INK, font=_TITLE_FONT)
        tile_top = top + (_TITLE if title else 0)
        for column, tile in enumerate(tiles):
            sheet.paste(tile, (_MARGIN + column * (TILE + _MARGIN), tile_top))
        top += height
    return sheet


def _draw_legend(draw: ImageDraw.ImageDraw) -> None:
    left = float(_MARGIN)
    for colour, meaning in _LEGEND:
        draw.rectangle((left, _MARGIN, left + 16, _MARGIN + 16), outline=colour, width=2)
        draw.text((left + 24, _MARGIN + 1), meaning, fill=_INK, font=_FONT)
        left += 24 + _FONT.getlength(meaning) + 4 * _MARGIN
