"""Write docs/made_faces.jpg and docs/made_sequences.jpg: examples of made faces, not selected.

    python docs/draw_made_faces.py

The first picture shows eight synthetic identities, one per column, in the seven expressions of
RAF-DB, at the default variety of tools/make_faces.py. The second shows three sequences as in CK+,
from the neutral face to the peak. All of them are rendered again.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import _environment  # noqa: E402, F401  (first: it may run this script again in .venv)

from fer_det.core.expression import BASIC_EXPRESSIONS, Expression  # noqa: E402
from fer_det.imaging.decode import decode_rgb8  # noqa: E402
from fer_det.io.files import write_bytes  # noqa: E402
from made_faces.layouts.assignment import PhotoAssignment, assign_sequences  # noqa: E402
from made_faces.recipe import sample_frame, sample_photo  # noqa: E402
from made_faces.render import MadePicture, make_picture  # noqa: E402

FACES = ROOT / "docs" / "made_faces.jpg"
SEQUENCES = ROOT / "docs" / "made_sequences.jpg"

SEED = 0
VARIETY = 0.5
IDENTITIES = range(1, 9)
SHOWN = (Expression.HAPPINESS, Expression.SURPRISE, Expression.DISGUST)
"""The first sequence of each of these is shown."""
COUNT = 30
"""Number of sequences to choose from; the default of tools/make_faces.py."""
FRAMES = 7

_TILE, _GAP, _NAMES = 148, 4, 92
_BACKGROUND, _TEXT_COLOUR = (255, 255, 255), (40, 40, 40)
_FONT = ImageFont.load_default(15)

Row = tuple[str, list[Image.Image]]


def main() -> None:
    """Write both pictures."""
    for path, rows in ((FACES, draw_faces()), (SEQUENCES, draw_sequences())):
        grid = arrange(rows)
        buffer = io.BytesIO()
        grid.save(buffer, "JPEG", quality=82)
        write_bytes(path, buffer.getvalue())
        print(f"{path}: {grid.width} x {grid.height}, {path.stat().st_size:,} bytes")


def draw_faces() -> list[Row]:
    """Render one row for each expression, with one column for each identity."""
    rows = []
    for number, expression in enumerate(BASIC_EXPRESSIONS):
        start = number * len(IDENTITIES)
        photos = [
            PhotoAssignment(
                start + place,
                "",
                "train",
                expression,
                number,
                range(IDENTITIES.start, IDENTITIES.stop),
            )
            for place, number in enumerate(IDENTITIES)
        ]
        pictures = [make_picture(sample_photo(SEED, photo, VARIETY)) for photo in photos]
        rows.append((expression.label, [tile(picture) for picture in pictures]))
    return rows


def draw_sequences() -> list[Row]:
    """Render one row for each sequence, from its first frame to its last."""
    labelled = [each for each in assign_sequences(SEED, COUNT) if each.labelled]
    rows = []
    for expression in SHOWN:
        sequence = next(each for each in labelled if each.expression is expression)
        frames = np.linspace(0, sequence.frames - 1, FRAMES).round().astype(int).tolist()
        pictures = [make_picture(sample_frame(SEED, sequence, frame)) for frame in frames]
        rows.append((expression.label, [tile(picture) for picture in pictures]))
    return rows


def tile(picture: MadePicture) -> Image.Image:
    """Crop the largest square around the face that lies inside the picture, and scale it."""
    pixels: NDArray[np.uint8] = decode_rgb8(picture.jpeg, "a made picture").pixels
    height, width = pixels.shape[:2]
    side = min(width, height)
    across, down = picture.box.centre
    left = min(max(round(across - side / 2), 0), width - side)
    top = min(max(round(down - side / 2), 0), height - side)
    square = Image.fromarray(pixels[top : top + side, left : left + side])
    return square.resize((_TILE, _TILE), Image.Resampling.LANCZOS)


def arrange(rows: list[Row]) -> Image.Image:
    """Arrange the tiles in a grid, with the name of each row."""
    step = _TILE + _GAP
    width = _NAMES + step * max(len(tiles) for _, tiles in rows)
    grid = Image.new("RGB", (width, step * len(rows)), _BACKGROUND)
    pen = ImageDraw.Draw(grid)
    for number, (name, tiles) in enumerate(rows):
        pen.text((4, number * step + _TILE // 2 - 8), name, fill=_TEXT_COLOUR, font=_FONT)
        for place, picture in enumerate(tiles):
            grid.paste(picture, (_NAMES + place * step, number * step))
    return grid


if __name__ == "__main__":
    main()
