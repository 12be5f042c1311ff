"""Reader of Keras's HDF5 files, such as rcmalli_vggface_tf_vgg16.h5 and vgg_face_weights.h5.

A layer is a group of arrays: a kernel, HWIO or a matrix (H W C, O), and a bias. h5py reads them;
Keras is not needed. The description of the model in a file of a whole model is not used, and a file
with a Lambda layer, which is code, is refused. So are links to other files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_det.errors import WeightsError
from fer_det.weights.formats.layers import (
    StoredLayer,
    StoredWeights,
    broken_file,
    missing_package,
)

if TYPE_CHECKING:
    import h5py

_KIND = "HDF5 file"
_LAMBDA = re.compile(r'"class_name"\s*:\s*"Lambda"')
_SAVE_WEIGHTS = "save its weights alone, where you trust it: model.save_weights('new.h5')"
MAX_LAYERS = 1000
MAX_DEPTH = 5
MAX_NUMBERS = 200_000_000
"""VGG-Face has 145,002,878."""


def read(path: Path) -> StoredWeights:
    """Read the layers in the order that the file states, or by name.

    Raises WeightsError for a file that is broken or not safe, ConfigError without h5py.
    """
    try:
        import h5py
    except ImportError as error:
        raise missing_package(path, "h5py") from error
    try:
        with h5py.File(path, "r") as file:
            _refuse_code(path, file)
            group = _child(path, file, "model_weights") if "model_weights" in file else file
            return StoredWeights(tuple(_layers(path, group)))
    except WeightsError:
        raise
    # h5py raises errors of many kinds for a broken file.
    except Exception as error:
        raise broken_file(path, _KIND, type(error).__name__) from error


def _refuse_code(path: Path, file: h5py.File) -> None:
    described = file.attrs.get("model_config", "")
    if _LAMBDA.search(_text(described)):
        found = f"{path} is a Keras model with a Lambda layer, which is code and is not run"
        raise WeightsError(found, "weights alone", _SAVE_WEIGHTS)


def _layers(path: Path, group: h5py.Group) -> Iterator[StoredLayer]:
    names = [_text(name) for name in group.attrs.get("layer_names", list(group))]
    if len(names) > MAX_LAYERS:
        raise WeightsError(
            f"{path} names {len(names):,} layers", "a network like VGG16", _SAVE_WEIGHTS
        )
    left = MAX_NUMBERS
    for name in names:
        arrays = [a for a in _arrays(path, _child(path, group, name), MAX_DEPTH) if a.size]
        left -= sum(array.size for array in arrays)
        if left < 0:
            found = f"{path} states more than {MAX_NUMBERS:,} numbers"
            raise WeightsError(found, "a network like VGG16", _SAVE_WEIGHTS)
        kernels = [array for array in arrays if array.ndim > 1 and array.dtype.kind == "f"]
        biases = [array for array in arrays if array.ndim == 1 and array.dtype.kind == "f"]
        if len(kernels) == len(biases) == 1:
            yield StoredLayer(name, np.asarray(kernels[0]), np.asarray(biases[0]))


def _arrays(path: Path, node: h5py.Group | h5py.Dataset, depth: int) -> Iterator[h5py.Dataset]:
    """All arrays in a group and in the groups inside it."""
    import h5py

    if isinstance(node, h5py.Group):
        if depth == 0:
            raise broken_file(path, _KIND, "groups inside groups, too many")
        for name in node:
            yield from _arrays(path, _child(path, node, name), depth - 1)
        return
    # Such arrays are stored in other files, which must not be opened.
    if node.is_virtual or node.external:
        raise broken_file(path, _KIND, f"{node.name} is stored in another file")
    # An array that was never written takes no space, so its size in the file proves nothing.
    if node.id.get_storage_size() == 0 and node.size:
        raise broken_file(path, _KIND, f"{node.name} holds nothing")
    yield node


def _child(path: Path, group: h5py.Group, name: str) -> Any:
    """The entry of a group; WeightsError where it is absent or a link."""
    import h5py

    if name not in group:
        raise broken_file(path, _KIND, f"{name} is absent")
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise broken_file(path, _KIND, f"{name} is a link")
    return group[name]


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
