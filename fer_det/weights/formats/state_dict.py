"""State dicts of other projects, bare or in a training's checkpoint, as names and tensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from fer_det.errors import WeightsError
from fer_det.weights.formats import pytorch
from fer_det.weights.formats.layers import broken_file
from fer_det.weights.recognise import recognise_weights

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
"""Keys under which training scripts keep the state dict beside the optimizer's."""
PREFIXES = ("module.", "model.")
"""Beginnings of all names that DataParallel and wrapping classes add."""

_WANTED = "a state dict: names and tensors"
_MAX_BYTES = 4 * 2**30


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read a .pth or .safetensors file of another project; nothing in it is run.

    Wrapping dicts and prefixes that all names share are taken off, and gradients are. Raises
    WeightsNotFoundError, and WeightsError for a file of fer_det, one that would run code, that is
    broken, or that holds no tensors.
    """
    recognised = recognise_weights(path)
    with path.open("rb") as file:
        is_safetensors = file.read(9)[8:] == b"{"
    if recognised.kind == "own" or (recognised.reader != "pytorch" and not is_safetensors):
        raise recognised.error(_WANTED)
    if (size := path.stat().st_size) > _MAX_BYTES:
        raise WeightsError(f"{path} has {size:,} bytes", f"at most {_MAX_BYTES:,}", "name another")
    if is_safetensors:
        try:
            state: Mapping[Any, Any] = load_file(path)
        except (SafetensorError, OSError) as error:
            raise broken_file(path, "safetensors file", error) from error
    else:
        state = pytorch.load(path)
        inner = next((state[name] for name in WRAPPERS if name in state), None)
        state = inner if isinstance(inner, Mapping) else state
    tensors = {
        name: tensor.detach()
        for name, tensor in state.items()
        if isinstance(name, str)
        and isinstance(tensor, Tensor)
        and tensor.layout == torch.strided
        and tensor.numel() * tensor.element_size() <= size
    }
    if not tensors:
        raise WeightsError(f"{path} holds no tensors", _WANTED, "name another file")
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): each for name, each in tensors.items()}
    return tensors
