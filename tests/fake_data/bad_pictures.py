"""Picture files as people have them, good and bad, and random damage."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 60, 48


@dataclass(frozen=True)
class Kind:
    """One kind of file."""

    data: bytes
    size: tuple[int, int] | None = None
    """(width, height) of the upright picture; None for a file that is to be refused."""
    error: str = ""
    """A part of the error message."""


def kinds() -> dict[str, Kind]:
    """Every kind by its name."""
    return {**_whole(), **_refused()}


def mutate(data: bytes, generator: np.random.Generator) -> tuple[str, bytes]:
    """(how, the file with one to four random changes)."""
    ways = {
        "flipped bits": _flip,
        "cut off": lambda data, g: data[: int(g.integers(1, len(data)))],
        "hole": _hole,
        "zeros": _zeros,
        "swapped": _swap,
        "inserted": _insert,
    }
    how = list(ways)[int(generator.integers(len(ways)))]
    times = 1 if how == "cut off" else int(generator.integers(1, 5))
    for _ in range(times):
        data = ways[how](data, generator)
    return how, data


def scene() -> Image.Image:
    """Coarse and fine noise, which compresses badly: damage to any byte changes the picture."""
    generator = np.random.default_rng(7)
    coarse = generator.integers(0, 200, (HEIGHT // 12, WIDTH // 12, 3), dtype=np.uint8)
    fine = generator.integers(0, 56, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return Image.fromarray(coarse.repeat(12, 0).repeat(12, 1) + fine)


def saved(image: Image.Image, image_format: str, **how: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **how)
    return buffer.getvalue()


def _whole() -> dict[str, Kind]:
    upright = (WIDTH, HEIGHT)
    rgb, gray = scene(), scene().convert("L")
    wide = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    clear = rgb.copy()
    clear.putalpha(gray)
    jpeg = saved(rgb, "JPEG", quality=90)
    files = {
        "jpeg": jpeg,
        "jpeg progressive": saved(rgb, "JPEG", progressive=True),
        "jpeg gray": saved(gray, "JPEG"),
        "jpeg cmyk": saved(rgb.convert("CMYK"), "JPEG"),
        "jpeg restart markers": saved(rgb, "JPEG", restart_marker_blocks=1),
        "jpeg with bytes after its end": jpeg + b"\0more" * 50,
        "jpeg with broken exif": saved(rgb, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff no"),
        "two pictures in one jpeg": saved(rgb, "MPO", save_all=True, append_images=[rgb]),
        "png named jpg": saved(rgb, "PNG"),
        "png 16 bits": saved(wide, "PNG"),
        "png palette": saved(rgb.quantize(16), "PNG"),
        "png palette, clear colour": saved(rgb.quantize(16), "PNG", transparency=3),
        "png rgba": saved(clear, "PNG"),
        "png gray with alpha": saved(clear.convert("LA"), "PNG"),
        "png one bit": saved(gray.convert("1"), "PNG"),
        "png animated": saved(rgb, "PNG", save_all=True, append_images=[rgb.rotate(90)]),
        "tiff": saved(rgb, "TIFF"),
        "tiff 16 bits": saved(wide, "TIFF"),
        "tiff of two pages": saved(rgb, "TIFF", save_all=True, append_images=[rgb]),
        "webp": saved(rgb, "WEBP"),
        "webp animated": saved(rgb, "WEBP", save_all=True, append_images=[rgb.rotate(90)]),
        "bmp": saved(rgb, "BMP"),
        "ppm": saved(rgb, "PPM"),
        "gif": saved(rgb, "GIF"),
        "gif animated": saved(rgb, "GIF", save_all=True, append_images=[rgb.rotate(90)]),
        "jpeg 2000": saved(rgb, "JPEG2000"),
        "avif": saved(rgb, "AVIF"),
    }
    found = {name: Kind(data, upright) for name, data in files.items()}
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        size = upright if orientation < 5 else upright[::-1]
        found[f"jpeg exif {orientation}"] = Kind(saved(rgb, "JPEG", exif=exif), size)
    found["one pixel"] = Kind(saved(Image.new("RGB", (1, 1)), "JPEG"), (1, 1))
    return found


def _refused() -> dict[str, Kind]:
    rgb = scene()
    jpeg = saved(rgb, "JPEG", quality=90)
    png = saved(rgb, "PNG")
    half = len(jpeg) // 2
    flipped = bytearray(png)
    flipped[png.index(b"IDAT") + 400] ^= 16
    return {
        "empty": Kind(b"", error="is empty"),
        "web page": Kind(b"<!DOCTYPE html><html>404</html>", error="is not a picture"),
        "text in utf-16": Kind("not found".encode("utf-16"), error="is not a picture"),
        "zeros": Kind(b"\0" * 5000, error="is not a picture"),
        "zip": Kind(b"PK\x03\x04" + b"\0" * 100, error="is not a picture"),
        "svg": Kind(b"<svg xmlns='http://www.w3.org/2000/svg'/>", error="is not a picture"),
        "script": Kind(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", error="not a picture"),
        "heic": Kind(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), error="is "),
        "jpeg xl": Kind(b"\xff\x0a" + bytes(200), error="is a JPEG XL file, which is not read"),
        "camera raw": Kind(
            b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(200), error="is a camera raw file"
        ),
        "thumbnail of a camera raw": Kind(
            saved(rgb, "TIFF", tiffinfo={0x00FE: 1}), error="a camera's raw file"
        ),
        "icon": Kind(saved(rgb, "ICO"), error="is not a picture we read"),
        "floating-point tiff": Kind(saved(rgb.convert("F"), "TIFF"), error="floating-point"),
        "jpeg's beginning": Kind(jpeg[:4], error="is "),
        "jpeg header": Kind(jpeg[:200], error="is "),
        "jpeg cut off": Kind(jpeg[:half], error="is broken"),
        "jpeg without its last bytes": Kind(jpeg[:-40], error="is broken"),
        "jpeg cut off, then an end": Kind(jpeg[:half] + b"\xff\xd9", error="is broken"),
        "jpeg cut off, then zeros": Kind(jpeg[:half] + bytes(half), error="is broken"),
        "jpeg with a hole": Kind(jpeg[:half] + jpeg[half + 300 :], error="is broken"),
        "jpeg cmyk cut off, then an end": Kind(
            (cmyk := saved(rgb.convert("CMYK"), "JPEG"))[: len(cmyk) // 2] + b"\xff\xd9",
            error="is broken",
        ),
        "jpeg of no size": Kind(_sized_jpeg(jpeg, 0, 0), error="is "),
        "jpeg of no height": Kind(_sized_jpeg(jpeg, WIDTH, 0), error="is "),
        "jpeg that says it is larger": Kind(_sized_jpeg(jpeg, WIDTH, 480), error="is broken"),
        "jpeg of 65,500 x 65,500": Kind(_sized_jpeg(jpeg, 65_500, 65_500), error="too large"),
        "png of 30,000 x 30,000": Kind(_sized_png(30_000, 30_000), error="is far too large"),
        "png of 8,200 x 8,200": Kind(_sized_png(8_200, 8_200), error="8200 x 8200 pixels"),
        "png of no size": Kind(_sized_png(0, 0), error="is "),
        "png without its pixels": Kind(_sized_png(100, 100), error="is broken"),
        "png flipped bit": Kind(bytes(flipped), error="is broken"),
        "png cut off": Kind(png[: len(png) // 2], error="is broken"),
        "png text bomb": Kind(_png_with_text_bomb(png), error="is "),
        "tiff cut off": Kind(saved(rgb, "TIFF")[:3000], error="is "),
        "tiff that ends in itself": Kind(b"II*\0\x08\0\0\0\0\0\x08\0\0\0", error="is "),
        "webp cut off": Kind(saved(rgb, "WEBP")[:-60], error="is "),
        "bmp cut off": Kind(saved(rgb, "BMP")[:-60], error="is "),
        "bmp of 2,000,000,000 pixels": Kind(_sized_bmp(rgb, 50_000, 40_000), error="too large"),
        "gif cut off": Kind(saved(rgb, "GIF")[:400], error="is "),
        "jpeg 2000 cut off": Kind(saved(rgb, "JPEG2000")[:300], error="is "),
        "avif cut off": Kind(saved(rgb, "AVIF")[:-300], error="is "),
        "ppm cut off": Kind(saved(rgb, "PPM")[:-60], error="is "),
        "ppm of huge numbers": Kind(b"P6 " + b"9" * 30 + b" 1 255\n", error="is "),
    }


def _sized_jpeg(jpeg: bytes, width: int, height: int) -> bytes:
    """The same JPEG with another size in its frame header."""
    place = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:place] + struct.pack(">HH", height, width) + jpeg[place + 4 :]


def _sized_bmp(image: Image.Image, width: int, height: int) -> bytes:
    data = saved(image, "BMP")
    return data[:18] + struct.pack("<ii", width, height) + data[26:]


def _sized_png(width: int, height: int) -> bytes:
    """A PNG of that size by its header, with next to nothing behind it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    chunks = [_chunk(b"IHDR", header), _chunk(b"IDAT", pixels), _chunk(b"IEND", b"")]
    return b"".join([b"\x89PNG\r\n\x1a\n", *chunks])


def _png_with_text_bomb(png: bytes) -> bytes:
    """100 MB of compressed text before the pixels."""
    text = _chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(100_000_000), 9))
    place = png.index(b"IDAT") - 4
    return png[:place] + text + png[place:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _flip(data: bytes, generator: np.random.Generator) -> bytes:
    changed = bytearray(data)
    changed[int(generator.integers(len(data)))] ^= 1 << int(generator.integers(8))
    return bytes(changed)


def _span(data: bytes, generator: np.random.Generator) -> tuple[int, int]:
    start = int(generator.integers(len(data)))
    return start, min(len(data), start + int(generator.integers(1, 200)))


def _hole(data: bytes, generator: np.random.Generator) -> bytes:
    start, end = _span(data, generator)
    return data[:start] + data[end:] or data


def _zeros(data: bytes, generator: np.random.Generator) -> bytes:
    start, end = _span(data, generator)
    return data[:start] + bytes(end - start) + data[end:]


def _swap(data: bytes, generator: np.random.Generator) -> bytes:
    start, end = _span(data, generator)
    return data[:start] + data[start:end][::-1] + data[end:]


def _insert(data: bytes, generator: np.random.Generator) -> bytes:
    start, end = _span(data, generator)
    return data[:start] + generator.bytes(end - start) + data[start:]
