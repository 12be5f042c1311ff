"""Reader of MATLAB's files up to version 7, such as MatConvNet's vgg_face.mat.

scipy reads them. The network is the struct `net`, or its fields are variables of the file. A layer
of the cell array `layers` has a name and a weight, HWIO, with a bias. `averageImage` in
`meta.normalization` is the mean colour, red green blue in 0..255.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.config.model import Colour
from fer_det.errors import WeightsError
from fer_det.weights.formats.layers import (
    StoredLayer,
    StoredWeights,
    broken_file,
    missing_package,
)

_KIND = "MATLAB file"
_HEADER_BYTES = 128
_COMPRESSED = 15
_CHUNK = 1 << 20
MAX_UNPACKED_BYTES = 2**30
"""VGG-Face is 580 MB."""
_VARIABLES = ["net", "layers", "meta", "normalization"]


def read(path: Path) -> StoredWeights:
    """Read the layers that have a name, a weight and a bias, and the mean colour.

    Raises WeightsError for a broken file, ConfigError without scipy.
    """
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise missing_package(path, "scipy") from error
    _check_size(path)
    try:
        variables = loadmat(path, variable_names=_VARIABLES)
        network = variables.get("net", variables)
        cells = _entry(network, "layers")
        layers = () if cells is None else tuple(_layers(cells))
        return StoredWeights(layers, _mean(network))
    # scipy raises errors of many kinds for a broken file.
    except Exception as error:
        raise broken_file(path, _KIND, type(error).__name__) from error


def _check_size(path: Path) -> None:
    """Unpack each variable once, piece by piece, and refuse a file that unpacks to too much.

    A file is a header of 128 bytes and then elements: 4 bytes with a type, 4 with a length, and the
    content.
    """
    total = 0
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        order = "<" if header[126:128] == b"IM" else ">"
        while tag := file.read(8):
            if len(tag) < 8:
                raise broken_file(path, _KIND, "ends within a variable")
            kind, length = struct.unpack(f"{order}II", tag)
            unpack = zlib.decompressobj() if kind == _COMPRESSED else None
            while length:
                piece = file.read(min(length, _CHUNK))
                if not piece:
                    raise broken_file(path, _KIND, "ends within a variable")
                length -= len(piece)
                total += len(piece) if unpack is None else _unpacked(path, unpack, piece)
                if total > MAX_UNPACKED_BYTES:
                    raise WeightsError(
                        f"{path} unpacks to more than {MAX_UNPACKED_BYTES:,} bytes",
                        f"at most {MAX_UNPACKED_BYTES:,}; VGG-Face has 580 MB",
                        "name another file",
                    )


def _unpacked(path: Path, unpack: Any, piece: bytes) -> int:
    """Number of bytes that a piece unpacks to; they are not kept."""
    count = 0
    try:
        while piece and count <= MAX_UNPACKED_BYTES:
            count += len(unpack.decompress(piece, _CHUNK))
            piece = unpack.unconsumed_tail
    except zlib.error as error:
        raise broken_file(path, _KIND, error) from error
    return count


def _layers(cells: NDArray[Any]) -> Iterator[StoredLayer]:
    for cell in cells.reshape(-1):
        # MatConvNet since beta 17 has both in `weights`, before it had `filters` and `biases`.
        pair = _entry(cell, "weights")
        arrays = (
            [_entry(cell, "filters"), _entry(cell, "biases")]
            if pair is None
            else list(pair.reshape(-1))
        )
        name = _entry(cell, "name")
        if name is None or len(arrays) != 2 or any(array is None for array in arrays):
            continue
        weight, bias = arrays
        if weight.size and bias.size:
            yield StoredLayer(str(name.reshape(-1)[0]), weight, bias.reshape(-1))


def _mean(network: Any) -> Colour | None:
    """The mean colour, which is stored as three numbers or as a picture of the mean."""
    for owner in (network, _entry(network, "meta")):
        average = _entry(_entry(owner, "normalization"), "averageImage")
        if average is not None and average.size % 3 == 0 and average.size:
            pixels = average.reshape(-1, 3).astype(np.float64)
            red, green, blue = (float(value) for value in pixels.mean(axis=0))
            return red, green, blue
    return None


def _entry(owner: Any, name: str) -> Any:
    """A field of a MATLAB struct, which scipy returns as an array of one record; None if absent."""
    if isinstance(owner, dict):
        return owner.get(name)
    if isinstance(owner, np.ndarray) and owner.dtype.names and name in owner.dtype.names:
        return owner[name].reshape(-1)[0] if owner.size else None
    return None
