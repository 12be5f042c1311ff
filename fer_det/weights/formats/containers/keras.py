"""Keras's HDF5 files: groups of arrays, one a layer; Keras itself has no part in it.

h5py reads the arrays and their names. The description of the model that a whole model's file
carries is not followed; one with a Lambda layer, which is code, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_det.errors import WeightsError
from fer_det.weights.formats.containers.refusal import broken, lacks_package
from fer_det.weights.formats.network import Stored, StoredLayer

if TYPE_CHECKING:
    import h5py

_MAGIC = b"\x89HDF\r\n\x1a\n"
_MATLAB = b"MATLAB 7.3"
_KIND = "HDF5 file"
_LAMBDA = re.compile(r'"class_name"\s*:\s*"Lambda"')
_WEIGHTS_ALONE = "save its weights alone where you trust it: model.save_weights('new.h5')"
MAX_LAYERS = 1000
MAX_DEPTH = 5
MAX_NUMBERS = 200_000_000
"""All of VGG-Face are 145,002,878."""


def opens(head: bytes) -> bool:
    """HDF5's magic, or MATLAB's file of the kind that is HDF5 within."""
    return head.startswith((_MAGIC, _MATLAB))


def read(path: Path) -> Stored:
    """The layers in the file's own order, where it states one."""
    with path.open("rb") as file:
        if file.read(len(_MATLAB)) == _MATLAB:
            raise WeightsError(
                f"{path} is a MATLAB file of version 7.3",
                "one of version 7 or before",
                "in MATLAB: save('new.mat', '-struct', 'net', '-v7')",
            )
    try:
        import h5py
    except ImportError as error:
        raise lacks_package(path, "h5py") from error
    try:
        with h5py.File(path, "r") as file:
            _refuse_code(path, file)
            group = _child(path, file, "model_weights") if "model_weights" in file else file
            return Stored("keras", tuple(_layers(path, group)))
    except WeightsError:
        raise
    # A broken file makes h5py raise whatever the damage looks like.
    except Exception as error:
        raise broken(path, _KIND, type(error).__name__) from error


def _refuse_code(path: Path, file: h5py.File) -> None:
    described = file.attrs.get("model_config", "")
    if _LAMBDA.search(_text(described)):
        told = f"{path} is a Keras model with a Lambda layer, which is code and is not run"
        raise WeightsError(told, "weights alone", _WEIGHTS_ALONE)


def _layers(path: Path, group: h5py.Group) -> Iterator[StoredLayer]:
    names = [_text(name) for name in group.attrs.get("layer_names", list(group))]
    if len(names) > MAX_LAYERS:
        raise WeightsError(
            f"{path} names {len(names):,} layers", "a network like VGG16", _WEIGHTS_ALONE
        )
    left = MAX_NUMBERS
    for name in names:
        arrays = [a for a in _arrays(path, _child(path, group, name), MAX_DEPTH) if a.size]
        left -= sum(array.size for array in arrays)
        if left < 0:
            told = f"{path} states more than {MAX_NUMBERS:,} numbers"
            raise WeightsError(told, "a network like VGG16", _WEIGHTS_ALONE)
        kernels = [array for array in arrays if array.ndim > 1 and array.dtype.kind == "f"]
        biases = [array for array in arrays if array.ndim == 1 and array.dtype.kind == "f"]
        if len(kernels) == len(biases) == 1:
            yield StoredLayer(name, np.asarray(kernels[0]), np.asarray(biases[0]))


def _arrays(path: Path, node: h5py.Group | h5py.Dataset, depth: int) -> Iterator[h5py.Dataset]:
    """The arrays in a group and in the groups within it."""
    import h5py

    if isinstance(node, h5py.Group):
        if depth == 0:
            raise broken(path, _KIND, "groups too deep")
        for name in node:
            yield from _arrays(path, _child(path, node, name), depth - 1)
        return
    # Such arrays lie in other files, which the one that was named has no business to open.
    if node.is_virtual or node.external:
        raise broken(path, _KIND, f"{node.name} lies in another file")
    # An array that was never written takes no place, so its size proves nothing.
    if node.id.get_storage_size() == 0 and node.size:
        raise broken(path, _KIND, f"{node.name} holds nothing")
    yield node


def _child(path: Path, group: h5py.Group, name: str) -> Any:
    """What lies in a group by that name, and not by way of a link to elsewhere."""
    import h5py

    if name not in group:
        raise broken(path, _KIND, f"{name} is absent")
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise broken(path, _KIND, f"{name} is a link")
    return group[name]


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
