"""Torch's .t7 files: the weights of modules one behind the other, found by their places."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fer_det.errors import WeightsError
from fer_det.weights.formats.containers.refusal import broken
from fer_det.weights.formats.containers.torch7_objects import (
    BrokenError,
    Module,
    UnsafeError,
    read_objects,
)
from fer_det.weights.formats.network import Stored, StoredLayer

_KIND = "Torch file"
_BEGINNINGS = (b"\x04\0\0\0", b"\x03\0\0\0")
"""A file that holds an object, or a table."""


def opens(head: bytes) -> bool:
    """A binary file whose content is a module or a table."""
    return head.startswith(_BEGINNINGS)


def read(path: Path) -> Stored:
    """The modules that have weights and biases, in the order of computation."""
    try:
        return Stored("torch7", tuple(_layers(read_objects(path), set())))
    except UnsafeError as error:
        raise WeightsError(
            f"{path} holds {error}, which is not read",
            "modules of nn, tensors, tables, numbers and strings",
            "take VGG-Face in another form; weights/README.md lists them",
        ) from error
    except (BrokenError, ValueError, OSError) as error:
        raise broken(path, _KIND, error) from error


def _layers(module: Any, met: set[int]) -> Iterator[StoredLayer]:
    if not isinstance(module, Module):
        raise BrokenError("no network of modules")
    # A module may hold itself.
    if id(module) in met:
        return
    met.add(id(module))
    inner = module.entries.get("modules")
    if isinstance(inner, dict):
        for place in sorted(key for key in inner if isinstance(key, float)):
            yield from _layers(inner[place], met)
        return
    weight, bias = module.entries.get("weight"), module.entries.get("bias")
    if isinstance(weight, np.ndarray) and isinstance(bias, np.ndarray) and weight.size:
        yield StoredLayer(module.class_name, weight, bias.reshape(-1))
