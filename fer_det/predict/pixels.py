"""Any kind of picture that Python code may hold, as RGB pixels."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fer_det.core.picture import read_image_bytes
from fer_det.errors import ImageError
from fer_det.imaging.decode import DecodedImage, decode_rgb8, pillow_to_rgb8
from fer_det.io.remote import RemoteFile, is_address

if TYPE_CHECKING:
    from torch import Tensor

Pixels: TypeAlias = NDArray[np.uint8]
"""[H, W, 3], RGB."""
Picture: TypeAlias = (
    "str | os.PathLike[str] | Image.Image | NDArray[np.uint8] | Tensor | DecodedImage"
)
"""A file or its address (s3://...), a Pillow picture, [H, W, 3] RGB or [H, W] gray uint8, a tensor
[3, H, W] or [1, H, W] of floats in 0..1 or of uint8, or what `fer_det.imaging.decode` returns."""

_WANTED = (
    "a path, a Pillow picture, a uint8 array [H, W, 3] or [H, W], or a tensor [3, H, W] in 0..1"
)


def to_rgb8(picture: Picture) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Any Picture -> ([H, W, 3] uint8 RGB, upright; (width, height) in which boxes are given).

    The two sizes differ for a very large JPEG, which is decoded at half its size. Raises ImageError
    for what is no picture, DatasetNotFoundError for a file that is absent, and ConfigError for an
    address whose package is not installed.
    """
    if isinstance(picture, (str, os.PathLike)):
        if is_address(os.fspath(picture)):
            data = RemoteFile(os.fspath(picture)).read()
        else:
            data = read_image_bytes(Path(picture))
        picture = decode_rgb8(data, os.fspath(picture), reduce=True)
    if isinstance(picture, DecodedImage):
        return picture.pixels, picture.size
    if isinstance(picture, Image.Image):
        pixels = pillow_to_rgb8(picture, "a Pillow picture")
    elif _is_tensor(picture):
        pixels = _from_tensor(picture)
    elif isinstance(picture, np.ndarray):
        pixels = _from_array(picture)
    else:
        raise _unfit(f"a {type(picture).__name__}")
    return pixels, (pixels.shape[1], pixels.shape[0])


def _from_array(array: NDArray[Any]) -> NDArray[np.uint8]:
    channels = array.shape[2:] if array.ndim == 3 else (1,)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or channels not in ((1,), (3,)):
        raise _unfit(f"an array of {array.dtype} and shape {list(array.shape)}")
    if array.size == 0:
        raise _unfit(f"an empty array of shape {list(array.shape)}")
    of_channels = array if array.ndim == 3 else array[..., None]
    return np.ascontiguousarray(np.broadcast_to(of_channels, (*array.shape[:2], 3)))


def _is_tensor(picture: object) -> TypeGuard[Tensor]:
    """Whoever has a tensor has imported torch, so nobody else needs to."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(picture, torch.Tensor)


def _from_tensor(tensor: Tensor) -> NDArray[np.uint8]:
    import torch

    found = f"a tensor of {str(tensor.dtype).removeprefix('torch.')} and shape {list(tensor.shape)}"
    if tensor.ndim != 3 or tensor.shape[0] not in (1, 3) or tensor.numel() == 0:
        raise _unfit(found)
    plain = tensor.detach().cpu()
    if plain.is_floating_point():
        low, high = float(plain.min()), float(plain.max())
        # Not the other way round, since a comparison with NaN is never true.
        if not (low >= 0 and high <= 1):
            raise _unfit(f"{found} with values from {low:g} to {high:g}")
        plain = plain.float().mul(255).round().to(torch.uint8)
    elif plain.dtype != torch.uint8:
        raise _unfit(found)
    return _from_array(plain.permute(1, 2, 0).numpy())


def _unfit(found: str) -> ImageError:
    return ImageError(found, _WANTED, "convert it; several pictures are given as a list")
