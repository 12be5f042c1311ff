"""The one way a picture enters: whole, upright, RGB, eight bits, or not at all."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from fer_det.core.picture import read_image_bytes
from fer_det.errors import ImageError

FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "PPM")
MAX_PIXELS = 64_000_000
"""A picture of this size takes less than 1 GB to decode, in whichever form it comes."""

_EXIF_ORIENTATION = 0x0112
_UPRIGHT: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}
"""How pixels of that EXIF orientation are turned upright.

1 is upright; 0 and what lies beyond 8 mean nothing, and every program shows such a file so.
"""
_PIXELS_AT_A_TIME = 4_000_000
_ALPHA_BACKGROUND = (255, 255, 255, 255)


@dataclass(frozen=True)
class DecodedImage:
    """A decoded picture and what its file was like."""

    pixels: NDArray[np.uint8]
    """[H, W, 3], RGB."""
    format: str
    """Pillow's name, one of FORMATS."""
    copyable: bool
    """Whether the file is a JPEG that every VOC tool shows as `pixels`: RGB or gray, not turned."""


def load_rgb8(path: Path) -> NDArray[np.uint8]:
    """Read a picture as [H, W, 3] uint8, RGB, turned upright by its EXIF.

    Raises DatasetNotFoundError where there is no file and ImageError where it cannot be decoded.
    """
    return decode_rgb8(read_image_bytes(path), str(path)).pixels


def decode_rgb8(data: bytes, name: str) -> DecodedImage:
    """Decode the bytes of a picture file; `name` is what an ImageError calls it."""
    wanted = f"a whole picture ({', '.join(FORMATS)}) of at most {MAX_PIXELS:,} pixels"
    remedy = "replace the file or leave it out"
    if not data:
        raise ImageError(f"{name} is empty", wanted, remedy)
    try:
        with warnings.catch_warnings():
            # Our own cap speaks for Pillow's, and a strange EXIF block is no reason to refuse.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    size = f"{image.width} x {image.height} pixels, more than {MAX_PIXELS:,}"
                    raise ImageError(f"{name} has {size}", wanted, remedy)
                return _jpeg_to_rgb8(data, image) if _is_jpeg(image) else _to_rgb8(image)
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is not a picture we read", wanted, remedy) from error
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name} is far too large ({error})", wanted, remedy) from error
    # Pillow's decoders raise whatever their format's parser stumbles on; all of it means "broken".
    except Exception as error:
        raise ImageError(f"{name} is broken ({error})", wanted, remedy) from error


def pillow_to_rgb8(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """A Pillow picture as [H, W, 3] uint8, RGB, turned upright; ImageError where it breaks."""
    try:
        return _to_rgb8(image).pixels
    # As above: Pillow reads the file's pixels only now.
    except Exception as error:
        raise ImageError(
            f"{name} is broken ({error})", "a whole picture", "open it anew or leave it out"
        ) from error


def encode_jpeg(pixels: NDArray[np.uint8], quality: int = 95) -> bytes:
    """Encode [H, W, 3] RGB as a JPEG without chroma subsampling, always to the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=0, optimize=False)
    return buffer.getvalue()


def _is_jpeg(image: Image.Image) -> bool:
    # An MPO is a JPEG with further ones behind it, as some cameras write them.
    return image.format in ("JPEG", "MPO")


def _jpeg_to_rgb8(data: bytes, image: Image.Image) -> DecodedImage:
    """Decode a JPEG that Pillow has opened; ValueError where its data breaks off or lacks sense.

    Pillow would fill what is missing with gray and say nothing, as libjpeg takes it for a warning.
    simplejpeg drives the same library to the same pixels, but stops at a warning, and in a quarter
    of the time.
    """
    if image.mode not in ("RGB", "L"):
        # Inks are Pillow's to mix. The data is read twice, the first time at an eighth of the size.
        simplejpeg.decode_jpeg(data, "CMYK", min_height=1, min_width=1, min_factor=8)
        return _to_rgb8(image)
    height, width = simplejpeg.decode_jpeg_header(data)[:2]
    if (width, height) != image.size:
        raise ValueError("two sizes in one file")
    orientation = image.getexif().get(_EXIF_ORIENTATION)
    pixels = simplejpeg.decode_jpeg(data, "RGB")
    if orientation in _UPRIGHT:
        pixels = np.ascontiguousarray(_UPRIGHT[orientation](pixels))
    return DecodedImage(
        pixels, image.format or "", image.format == "JPEG" and orientation not in _UPRIGHT
    )


def _to_rgb8(image: Image.Image) -> DecodedImage:
    image_format, mode = image.format or "", image.mode
    # Read before load(): Pillow drops the tag once the picture is turned.
    orientation = image.getexif().get(_EXIF_ORIENTATION)
    image.load()
    if orientation in _UPRIGHT:
        ImageOps.exif_transpose(image, in_place=True)
    return DecodedImage(
        pixels=_mode_to_rgb(image),
        format=image_format,
        copyable=image_format == "JPEG" and mode in ("RGB", "L") and orientation not in _UPRIGHT,
    )


def _mode_to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """In bands, so that a large picture is not in memory in several forms at once."""
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
