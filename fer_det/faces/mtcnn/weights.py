"""The three nets' weights, read from the installed `mtcnn` wheel; nothing of it is run."""

from __future__ import annotations

import hashlib
import io
import math
import pickle
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Literal

import lz4.frame
import numpy as np
from numpy.typing import NDArray

from fer_det.errors import WeightsError, WeightsNotFoundError

NetName = Literal["pnet", "rnet", "onet"]

PACKAGE = "mtcnn"
SHA256: dict[NetName, str] = {
    "pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}
"""Of the .lz4 files in the wheel of mtcnn 1.0.0 (MIT)."""

_WANTED = "the three weights files of mtcnn 1.0.0"
_REMEDY = f"install it with: pip install --force-reinstall --no-deps {PACKAGE}==1.0.0"


def load_weights(net: NetName) -> list[NDArray[np.float32]]:
    """Read a net's arrays in the order of its layers, laid out as Keras does (HWIO, in x out).

    Raises WeightsNotFoundError where the wheel or its file is not there, and WeightsError where
    the file is another than the one this code was checked against.
    """
    path = find_weights(net)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsNotFoundError(
            f"{path} could not be read ({error.strerror or error})", _WANTED, _REMEDY
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256[net]:
        raise WeightsError(f"{path} has sha256 {found}", f"sha256 {SHA256[net]}", _REMEDY)
    return read_arrays(lz4.frame.decompress(data))


def find_weights(net: NetName) -> Path:
    """Where the wheel keeps a net's weights; WeightsNotFoundError where there is no such file.

    The package itself is never imported: that would need TensorFlow.
    """
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError as error:
        raise WeightsNotFoundError(
            f"the package {PACKAGE} is not installed", _WANTED, _REMEDY
        ) from error
    for file in files:
        if file.name == f"{net}.lz4":
            return Path(str(file.locate()))
    raise WeightsNotFoundError(f"the package {PACKAGE} holds no {net}.lz4", _WANTED, _REMEDY)


def read_arrays(data: bytes) -> list[NDArray[np.float32]]:
    """Read a joblib pickle of a list of float32 arrays, and nothing but that.

    joblib's own reader would run whatever the file names; here every name but those of the array
    wrapper is refused before it is looked up, and the admitted names mean inert stand-ins. Raises
    WeightsError.
    """
    try:
        stored = _ArrayUnpickler(io.BytesIO(data)).load()
        if not isinstance(stored, list) or not all(isinstance(one, _StoredArray) for one in stored):
            raise pickle.UnpicklingError("it holds something else")
        return [one.array for one in stored]
    # A damaged pickle makes the reader stumble in many ways; all of them mean "damaged".
    except Exception as error:
        raise WeightsError(
            f"a weights file that cannot be read ({error})", "a list of float32 arrays", _REMEDY
        ) from error


class _StoredArray:
    """Stands in for joblib's NumpyArrayWrapper: a header that the array's bytes follow at once."""

    source: io.BytesIO
    array: NDArray[np.float32]

    def __setstate__(self, header: dict[str, Any]) -> None:
        shape = header["shape"]
        if header["order"] != "C" or not all(isinstance(n, int) and n > 0 for n in shape):
            raise pickle.UnpicklingError(f"an array of shape {shape}, order {header['order']}")
        if not isinstance(header["dtype"], _StoredDtype):
            raise pickle.UnpicklingError("an array without a dtype")
        if header.get("numpy_array_alignment_bytes") is not None:
            padding = self.source.read(1)[0]
            self.source.read(padding)
        size = math.prod(shape) * np.dtype(np.float32).itemsize
        data = self.source.read(size)
        if len(data) != size:
            raise pickle.UnpicklingError("it ends within an array")
        self.array = np.frombuffer(data, "<f4").astype(np.float32).reshape(shape)


class _StoredDtype:
    """Stands in for numpy.dtype; admits little-endian float32 alone."""

    def __init__(self, code: str, *_flags: bool) -> None:
        if code != "f4":
            raise pickle.UnpicklingError(f"an array of {code}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] != "<":
            raise pickle.UnpicklingError("a big-endian array")


class _ArrayClass:
    """Stands in for numpy.ndarray, which the wrapper names and nobody needs."""


class _ArrayUnpickler(pickle.Unpickler):
    def __init__(self, source: io.BytesIO) -> None:
        super().__init__(source)
        # The header's stand-in reads on from the very place where the unpickler stands.
        self._stored_array = type("_StoredArrayHere", (_StoredArray,), {"source": source})

    def find_class(self, module: str, name: str) -> Any:
        admitted = {
            ("joblib.numpy_pickle", "NumpyArrayWrapper"): self._stored_array,
            ("numpy", "ndarray"): _ArrayClass,
            ("numpy", "dtype"): _StoredDtype,
        }
        if (module, name) not in admitted:
            raise pickle.UnpicklingError(f"{module}.{name} is not admitted")
        return admitted[module, name]
