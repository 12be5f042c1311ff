"""Decode picture files: whole, upright, RGB, 8 bits, or refused. No other code reads pictures."""

from __future__ import annotations

import importlib
import io
import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageOps, JpegImagePlugin, UnidentifiedImageError, features

from fer_det.core.picture import read_image_bytes
from fer_det.errors import ImageError

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "PPM", "GIF", "JPEG2000", "AVIF", "HEIF")
"""Pillow's names of the formats that are read; HEIF only with the package pillow-heif."""
MAX_PIXELS = 66_000_000
"""Largest picture that is decoded whole, enough for a sensor of 64 MP; it takes less than 1 GB."""
MAX_REDUCED_PIXELS = 200_000_000
"""Largest JPEG that is decoded at half its width and height where the caller allows it.

A baseline JPEG of this size takes about 0.3 GB and a progressive one up to 1.4 GB, because libjpeg
holds all its coefficients in memory.
"""
HEAD_BYTES = 512
"""Number of bytes at the start of a file that `picture_format` needs."""

_SIGNATURES = {
    "JPEG": rb"\xff\xd8\xff",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "GIF": rb"GIF8[79]a",
    "WEBP": rb"RIFF....WEBP",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "BMP": rb"BM.{4}\0{4}.{4}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0",
    "PPM": rb"P[1-6Ff]\s+[-#\d]",
    "JPEG2000": rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
    "JPEG XL": rb"\0\0\0\x0cJXL \r\n\x87\n|\xff\x0a",
    "Photoshop": rb"8BPS\0[\x01\x02]",
}
_COMPILED = {name: re.compile(pattern, re.DOTALL) for name, pattern in _SIGNATURES.items()}
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys(
        (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), "HEIF"
    ),
    **dict.fromkeys((b"mif1", b"msf1"), "HEIF"),
    b"crx ": "camera raw",
}
"""Brands in the `ftyp` box of a picture; other files with such a box are videos or sound.

ISO/IEC 23008-12 (HEIF); AVIF 1.1 of the Alliance for Open Media.
"""

_EXIF_ORIENTATION = 0x0112
_TIFF_SUBFILE_TYPE, _DNG_VERSION = 0x00FE, 0xC612
_UPRIGHT: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}
"""How pixels with that EXIF orientation are turned upright.

1 is upright. 0 and values above 8 have no meaning, and every program shows such a file unturned.
"""
_PIXELS_AT_A_TIME = 4_000_000
_ALPHA_BACKGROUND = (255, 255, 255, 255)
_REMEDY = "replace the file or leave it out"


@dataclass(frozen=True)
class DecodedImage:
    """A decoded picture and the properties of its file."""

    pixels: NDArray[np.uint8]
    """[H, W, 3], RGB."""
    format: str
    """Pillow's name, one of FORMATS, or MPO."""
    copyable: bool
    """True for a JPEG that every VOC tool shows as `pixels`: RGB or gray, not turned."""
    size: tuple[int, int]
    """(width, height) of the upright picture; more than that of `pixels` if it was reduced."""
    frames: int = 1
    """Number of pictures in an animation or in a file of several pages; the first is decoded."""


def picture_format(head: bytes) -> str | None:
    """Recognise a picture file by its first HEAD_BYTES bytes.

    -> one of FORMATS, or "JPEG XL", "Photoshop" or "camera raw", which are not read, or None.
    """
    for name, pattern in _COMPILED.items():
        if pattern.match(head):
            return name
    if head[4:8] != b"ftyp":
        return None
    box = head[: int.from_bytes(head[:4], "big")]
    brands = [box[8:12], *(box[start : start + 4] for start in range(16, len(box), 4))]
    # The main brand may be the general mif1, with avif among the compatible ones.
    if brands[0] in (b"mif1", b"msf1") and (b"avif" in brands or b"avis" in brands):
        return "AVIF"
    return _BRANDS.get(brands[0])


def load_rgb8(path: Path) -> NDArray[np.uint8]:
    """Read a picture as [H, W, 3] uint8, RGB, turned upright by its EXIF orientation.

    Raises DatasetNotFoundError if there is no file and ImageError if it cannot be decoded.
    """
    return decode_rgb8(read_image_bytes(path), str(path)).pixels


def decode_rgb8(data: bytes, name: str, reduce: bool = False) -> DecodedImage:
    """Decode the bytes of a picture file.

    name: what an ImageError calls the picture. reduce: decode a JPEG of more than MAX_PIXELS and at
    most MAX_REDUCED_PIXELS at half its width and height instead of refusing it.
    """
    wanted = f"a whole picture ({', '.join(FORMATS)}) of at most {MAX_PIXELS:,} pixels"
    if not data:
        raise ImageError(f"{name} is empty", wanted, _REMEDY)
    formats = _formats_to_try(picture_format(data[:HEAD_BYTES]), name)
    try:
        with warnings.catch_warnings():
            # MAX_PIXELS replaces Pillow's own warning, and a malformed EXIF block is harmless.
            warnings.simplefilter("ignore")
            with _open(data, formats, reduce) as image:
                halved = image.width * image.height > MAX_PIXELS
                if halved and not (
                    reduce and _is_jpeg(image) and image.width * image.height <= MAX_REDUCED_PIXELS
                ):
                    size = f"{image.width} x {image.height} pixels, more than {MAX_PIXELS:,}"
                    raise ImageError(f"{name} has {size}", wanted, _REMEDY)
                return _jpeg_to_rgb8(data, image, halved) if _is_jpeg(image) else _to_rgb8(image)
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is not a picture we read", wanted, _REMEDY) from error
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} is far too large ({error})", wanted, _REMEDY) from error
    # Pillow's decoders raise whatever their format's parser meets; all of it means "broken".
    except Exception as error:
        raise ImageError(f"{name} is broken ({error})", wanted, _REMEDY) from error


def pillow_to_rgb8(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """A Pillow picture as [H, W, 3] uint8, RGB, turned upright; raises ImageError."""
    try:
        return _to_rgb8(image).pixels
    # As above: Pillow reads the pixels of a file only now.
    except Exception as error:
        raise ImageError(
            f"{name} is broken ({error})", "a whole picture", "open it again or leave it out"
        ) from error


def encode_jpeg(pixels: NDArray[np.uint8], quality: int = 95) -> bytes:
    """Encode [H, W, 3] RGB as a JPEG without chroma subsampling, always to the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=0, optimize=False)
    return buffer.getvalue()


def _formats_to_try(found: str | None, name: str) -> tuple[str, ...]:
    """Pillow's decoders for a recognised format; ImageError if this installation lacks them."""
    if found in ("JPEG XL", "Photoshop", "camera raw"):
        raise ImageError(
            f"{name} is a {found} file, which is not read", "a picture", "save it as a JPEG"
        )
    if found == "HEIF":
        try:
            importlib.import_module("pillow_heif").register_heif_opener()
        except ImportError as error:
            raise ImageError(
                f"{name} is a HEIC picture, which needs: pip install 'fer_det[heic]'",
                "the package pillow-heif, or a picture of another format",
                "install it, or save the picture as a JPEG",
            ) from error
    elif found == "AVIF" and not features.check("avif"):
        raise ImageError(
            f"{name} is an AVIF picture, which needs Pillow 11.3 or newer",
            "that version, or a picture of another format",
            "pip install --upgrade pillow, or save the picture as a JPEG",
        )
    if found is not None:
        return (found,)
    Image.init()
    return tuple(each for each in FORMATS if each in Image.OPEN)


def _open(data: bytes, formats: tuple[str, ...], reduce: bool) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError:
        # Pillow's own limit is 179 million pixels.
        if not (reduce and formats == ("JPEG",)):
            raise
        image = JpegImagePlugin.jpeg_factory(io.BytesIO(data))
        if image.width * image.height > MAX_REDUCED_PIXELS:
            raise
        return image


def _is_jpeg(image: Image.Image) -> bool:
    # An MPO is a JPEG with more JPEGs after it: the depth or the second eye of a camera's photo.
    return image.format in ("JPEG", "MPO")


def _jpeg_to_rgb8(data: bytes, image: Image.Image, halved: bool) -> DecodedImage:
    """Decode a JPEG that Pillow has opened; ValueError if its data is cut off or damaged.

    Pillow would fill missing parts with gray and stay silent, as libjpeg only warns about them.
    simplejpeg drives the same library to the same pixels, stops at a warning, and is 4 times as
    fast.
    """
    orientation = image.getexif().get(_EXIF_ORIENTATION)
    width, height = image.size
    if image.mode not in ("RGB", "L"):
        # Only Pillow converts CMYK. The data is read twice, first at an eighth of the size.
        simplejpeg.decode_jpeg(data, "CMYK", min_height=1, min_width=1, min_factor=8)
        if halved:
            image.draft(None, (width // 2, height // 2))
        pixels = _to_rgb8(image).pixels
    else:
        if (height, width) != simplejpeg.decode_jpeg_header(data)[:2]:
            raise ValueError("two sizes in one file")
        least = {"min_height": -(-height // 2), "min_width": -(-width // 2), "min_factor": 2}
        pixels = simplejpeg.decode_jpeg(data, "RGB", **(least if halved else {}))
        if orientation in _UPRIGHT:
            pixels = np.ascontiguousarray(_UPRIGHT[orientation](pixels))
    return DecodedImage(
        pixels=pixels,
        format=image.format or "",
        copyable=image.format == "JPEG"
        and image.mode in ("RGB", "L")
        and orientation not in _UPRIGHT,
        size=(height, width) if (orientation or 0) in (5, 6, 7, 8) else (width, height),
    )


def _to_rgb8(image: Image.Image) -> DecodedImage:
    image_format = image.format or ""
    if image_format == "TIFF":
        _refuse_camera_raw(image)
    frames = 1
    with suppress(Exception):
        # Some decoders look through the whole file here, which may be damaged after its first page.
        frames = getattr(image, "n_frames", 1)
    # Read before load(): Pillow drops the tag once the picture is turned.
    orientation = image.getexif().get(_EXIF_ORIENTATION)
    image.load()
    if orientation in _UPRIGHT:
        ImageOps.exif_transpose(image, in_place=True)
    return DecodedImage(
        pixels=_mode_to_rgb(image),
        format=image_format,
        copyable=False,
        size=image.size,
        frames=frames,
    )


def _refuse_camera_raw(image: Image.Image) -> None:
    """ValueError for a camera's raw file, whose first TIFF page is a thumbnail of the photo."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(_TIFF_SUBFILE_TYPE, 0) & 1 or _DNG_VERSION in tags:
        raise ValueError("a camera's raw file; save it as a JPEG")


def _mode_to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Convert in bands, so that a large picture is not in memory in several forms at once."""
    width, height = image.size
    rows = max(1, _PIXELS_AT_A_TIME // width)
    if rows >= height:
        return _band_to_rgb(image)
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(top + rows, height)))
        pixels[top : top + rows] = _band_to_rgb(band)
    return pixels


def _band_to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N", "I"):
        # Pillow's own conversion clips 16 bits at 255 instead of scaling them.
        wide = np.asarray(image).astype(np.int64).clip(0, 65535)
        return np.repeat((wide >> 8).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode == "F":
        raise ValueError("floating-point pixels")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        ground = Image.new("RGBA", rgba.size, _ALPHA_BACKGROUND)
        image = Image.alpha_composite(ground, rgba)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))
