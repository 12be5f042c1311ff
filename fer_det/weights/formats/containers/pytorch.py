"""PyTorch's files: a state dict in a zip archive or in the older pickle, read with weights_only."""

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
from fer_det.weights.formats.containers.refusal import broken
from fer_det.weights.formats.network import Stored, StoredLayer

_ZIP = b"PK\x03\x04"
_PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
_KIND = "PyTorch file"
_WANTED = "a state dict: names and tensors, nothing else"
_REMEDY = "write it anew with a PyTorch that you trust: torch.save(model.state_dict(), 'new.pth')"


def opens(head: bytes) -> bool:
    """A zip archive or a pickle."""
    return head.startswith((_ZIP, *_PICKLES))


def read(path: Path) -> Stored:
    """The layers of a state dict; anything that would have to be run is refused."""
    _check_archive(path)
    try:
        with warnings.catch_warnings():
            # Of a pickle's unusual protocol, which is an error below if it matters.
            warnings.simplefilter("ignore")
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        told = f"{path} is broken, or would run code when it is read, which is not done"
        raise WeightsError(told, _WANTED, _REMEDY) from error
    # torch's reader stumbles over broken files in any way; all of it means "broken".
    except Exception as error:
        raise broken(path, _KIND, type(error).__name__) from error
    if not isinstance(state, Mapping):
        raise WeightsError(f"{path} holds a {type(state).__name__}", _WANTED, _REMEDY)
    return Stored("pytorch", tuple(_layers(state)))


def _check_archive(path: Path) -> None:
    """Refuse a zip archive whose entries are more than the file that they lie in."""
    with path.open("rb") as file:
        if file.read(len(_ZIP)) != _ZIP:
            return
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise broken(path, _KIND, error) from error
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        told = f"{path} has packed or overlapping entries, which PyTorch never writes"
        raise WeightsError(told, _WANTED, _REMEDY)


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
