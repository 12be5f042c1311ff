"""Reader of PyTorch's state dicts, such as vgg_face_dag.pth: a ZIP archive or an older pickle.

torch.load reads them with weights_only, so nothing in them is run. A layer is `NAME.weight`, which
is OIHW or a matrix (O, C H W), with `NAME.bias`.
"""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

import torch
from torch import Tensor

from fer_det.errors import WeightsError
from fer_det.weights.formats.layers import StoredLayer, StoredWeights, broken_file

_ZIP = b"PK\x03\x04"
_KIND = "PyTorch file"
_WANTED = "a state dict: names and tensors, nothing else"
_REMEDY = "save its tensors where you trust it: torch.save(model.state_dict(), 'new.pth')"


def read(path: Path) -> StoredWeights:
    """Read the layers of a state dict; raises what `load` does."""
    return StoredWeights(tuple(_layers(load(path))))


def load(path: Path) -> Mapping[Any, Any]:
    """Read a state dict, or a dict that holds one, onto the CPU.

    Raises WeightsError for a file that is broken, or that could only be read by running code.
    """
    _check_archive(path)
    try:
        with warnings.catch_warnings():
            # torch warns of unusual pickle protocols; where it matters, an error follows.
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = f"{path} is broken, or would run code when it is read"
        raise WeightsError(found, _WANTED, _REMEDY) from error
    # torch raises errors of many kinds for a broken file.
    except Exception as error:
        raise broken_file(path, _KIND, type(error).__name__) from error
    if not isinstance(state, Mapping):
        raise WeightsError(f"{path} holds a {type(state).__name__}", _WANTED, _REMEDY)
    return state


def _check_archive(path: Path) -> None:
    """Refuse a ZIP archive whose entries are together larger than the archive."""
    with path.open("rb") as file:
        if file.read(len(_ZIP)) != _ZIP:
            return
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise broken_file(path, _KIND, error) from error
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        found = f"{path} has packed or overlapping entries, which PyTorch never writes"
        raise WeightsError(found, _WANTED, _REMEDY)


def _layers(state: Mapping[Any, Any]) -> list[StoredLayer]:
    layers = []
    for name, weight in state.items():
        if not isinstance(name, str) or not name.endswith(".weight"):
            continue
        layer = name.removesuffix(".weight")
        bias = state.get(f"{layer}.bias")
        if _is_plain(weight) and _is_plain(bias):
            layers.append(StoredLayer(layer, weight.detach().numpy(), bias.detach().numpy()))
    return layers


def _is_plain(tensor: object) -> TypeGuard[Tensor]:
    return (
        isinstance(tensor, Tensor)
        and tensor.layout == torch.strided
        and tensor.dtype in (torch.float16, torch.float32, torch.float64)
    )
