"""Draw docs/example.jpg: one photo on its way from a raw data set to a balanced VOC folder.

    python docs/make_example.py

The photo is NASA's portrait of Eileen Collins (public domain, tests/golden/data), with a small
mirrored copy of it pasted in as a second person. A RAF-DB folder of this one photo goes through the
converter and the balancer, and every box drawn is read from the annotations that they write.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import _environment  # noqa: E402, F401  (first: it may run this script again in .venv)

from fer_det.core.box import FaceBox  # noqa: E402
from fer_det.imaging.decode import encode_jpeg, load_rgb8  # noqa: E402
from fer_det.io.files import write_bytes  # noqa: E402
from fer_det.io.voc import MANIFEST, VocFolder  # noqa: E402
from fer_det.io.voc_annotation import VocObject  # noqa: E402
from voc_builder.balance.balance import balance  # noqa: E402
from voc_builder.balance.config import BalanceConfig  # noqa: E402
from voc_builder.build.build import build  # noqa: E402
from voc_builder.build.config import BuildConfig, Source  # noqa: E402
from voc_builder.build.records import read_manifest  # noqa: E402
from voc_builder.readers import READERS  # noqa: E402

PORTRAIT = ROOT / "tests" / "golden" / "data" / "astronaut.jpg"
PICTURE = ROOT / "docs" / "example.jpg"

PHOTO_SIZE = (480, 320)
HAPPINESS = 4
OWN_BOX = FaceBox(102.0, 26.0, 218.0, 172.0)
"""As a data set might draw it around the large face, hair and chin included."""
COPIES = 4

_MARGIN, _TITLE = 16, 34
_PAPER, _INK = (255, 255, 255), (40, 40, 40)
_OWN, _LABELLED, _IGNORED = (255, 150, 20), (40, 205, 95), (190, 190, 190)
_FONT, _SMALL_FONT = ImageFont.load_default(18), ImageFont.load_default(13)

Colour = tuple[int, int, int]
Marks = list[tuple[FaceBox, str, Colour]]


def main() -> None:
    """Run the pieces on a folder that is gone afterwards, and write the picture."""
    with tempfile.TemporaryDirectory() as name:
        raw, voc, balanced = (Path(name) / part for part in ("rafdb", "voc", "voc_balanced"))
        write_raw(raw)
        rafdb = READERS["rafdb"]
        build(
            BuildConfig(out=voc, val_fraction=0.0, workers=0),
            [Source("rafdb", raw, rafdb.Options())],
        )
        balance(BalanceConfig(data=voc, out=balanced, target=1 + COPIES, workers=0))
        picture = draw(raw, voc, balanced)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=84)
    write_bytes(PICTURE, buffer.getvalue())
    print(f"{PICTURE}: {picture.width} x {picture.height}, {PICTURE.stat().st_size:,} bytes")


def write_raw(root: Path) -> None:
    """A RAF-DB of one photo: list, picture, and the box of the face that the label speaks of."""
    base = root / "basic"
    for folder in ("EmoLabel", "Image/original", "Annotation/boundingbox"):
        (base / folder).mkdir(parents=True)
    listed = f"train_00001.jpg {HAPPINESS}\n"
    (base / "EmoLabel" / "list_patition_label.txt").write_text(listed)
    edges = " ".join(f"{edge:.6f}" for edge in OWN_BOX.as_tuple())
    (base / "Annotation/boundingbox/train_00001_boundingbox.txt").write_text(edges)
    write_bytes(photo_path(root), encode_jpeg(np.asarray(compose_photo())))


def photo_path(root: Path) -> Path:
    """Where the one photo lies."""
    return root / "basic" / "Image" / "original" / "train_00001.jpg"


def compose_photo() -> Image.Image:
    """The portrait, and a smaller one beside it on a blurred ground, as a print on a wall."""
    portrait = Image.fromarray(load_rgb8(PORTRAIT)).crop((30, 0, 250, 220))
    mirrored = ImageOps.mirror(portrait)
    blur = ImageFilter.GaussianBlur(28)
    photo = mirrored.resize(PHOTO_SIZE, Image.Resampling.BICUBIC).filter(blur)
    photo.paste(portrait.resize((320, 320), Image.Resampling.LANCZOS), (0, 0))
    head = mirrored.crop((62, 0, 182, 150)).resize((112, 140), Image.Resampling.LANCZOS)
    photo.paste(ImageOps.expand(head, 4, "white"), (342, 70))
    return photo


def draw(raw: Path, voc: Path, balanced: Path) -> Image.Image:
    """Three stages on one sheet."""
    width, height = PHOTO_SIZE
    small = (2 * width + _MARGIN - (COPIES - 1) * _MARGIN) // COPIES
    small_height = round(small * height / width)
    rows = (_TITLE + height, _TITLE + small_height)
    sheet = Image.new(
        "RGB", (2 * width + 3 * _MARGIN, sum(rows) + (len(rows) + 1) * _MARGIN), _PAPER
    )
    own = [(OWN_BOX, "the data set's box, label 4", _OWN)]
    photo = mark(Image.fromarray(load_rgb8(photo_path(raw))), own, PHOTO_SIZE)
    place(sheet, photo, (_MARGIN, _MARGIN), "Raw data set: a photo, a label, a rough box")
    folder = VocFolder(voc)
    score = read_manifest(voc / MANIFEST)[0].faces[0].score
    converted = mark_annotated(folder, "rafdb_train_00001", PHOTO_SIZE, f" (MTCNN {score:.2f})")
    title = "VOC folder: MTCNN's box, other faces set aside"
    place(sheet, converted, (2 * _MARGIN + width, _MARGIN), title)
    folder = VocFolder(balanced)
    for number in range(1, COPIES + 1):
        copy = mark_annotated(folder, f"rafdb_train_00001_j{number:03d}", (small, small_height))
        left = _MARGIN + (number - 1) * (small + _MARGIN)
        title = "Balanced VOC folder: jittered copies of the rare classes" if number == 1 else ""
        place(sheet, copy, (left, 2 * _MARGIN + rows[0]), title)
    return sheet


def mark_annotated(
    folder: VocFolder, image_id: str, size: tuple[int, int], remark: str = ""
) -> Image.Image:
    """A picture of a VOC folder with the boxes of its annotation; `remark` follows the label."""
    large = size == PHOTO_SIZE

    def words(face: VocObject) -> str:
        return (face.name if face.ignored else face.name + remark) if large else ""

    objects = folder.read(image_id).objects
    marks = [(face.box, words(face), _IGNORED if face.ignored else _LABELLED) for face in objects]
    return mark(Image.fromarray(load_rgb8(folder.image_path(image_id))), marks, size)


def mark(picture: Image.Image, marks: Marks, size: tuple[int, int]) -> Image.Image:
    """The picture at that size with its boxes drawn, each with its words above it."""
    scale = size[0] / picture.width
    shown = picture.resize(size, Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(shown)
    for box, words, colour in marks:
        x_min, y_min, x_max, y_max = (scale * edge for edge in box.as_tuple())
        line = 3 if size == PHOTO_SIZE else 2
        pen.rectangle((x_min, y_min, x_max - 1, y_max - 1), outline=colour, width=line)
        if words:
            tab = (x_min, y_min - 19, x_min + _SMALL_FONT.getlength(words) + 10, y_min)
            pen.rectangle(tab, fill=colour)
            pen.text((x_min + 5, y_min - 18), words, fill=_INK, font=_SMALL_FONT)
    return shown


def place(sheet: Image.Image, picture: Image.Image, corner: tuple[int, int], title: str) -> None:
    """Put a picture on the sheet, its title above it."""
    left, top = corner
    ImageDraw.Draw(sheet).text((left, top + 4), title, fill=_INK, font=_FONT)
    sheet.paste(picture, (left, top + _TITLE))


if __name__ == "__main__":
    main()
