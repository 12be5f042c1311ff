"""The canonical weights file: VGG16's backbone, and fc6 and fc7 where known, for RGB, in safetensors.

Tensors carry torchvision's names for vgg16 (features.0.weight ... features.28.bias, classifier.0.*,
classifier.3.*) and its layout (O, I, H, W; fc6 reads C, H, W), in float16 or float32. The metadata
says what the pictures must look like and where the weights come from. Nothing in such a file can
run code.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from fer_det.config.training import Colour
from fer_det.errors import WeightsError, WeightsNotFoundError
from fer_det.io.files import atomic_writer, make_folder
from fer_det.models.vgg16 import OUT_CHANNELS, vgg16_features
from fer_det.models.vgg16_frcnn.roi_heads import POOLED
from fer_det.weights.checkpoint import file_hash

FORMAT = "fer_det weights 1"

MODEL_NAMES = {
    "features.": "backbone.features.",
    "classifier.0.": "roi_heads.box_head.fc6.",
    "classifier.3.": "roi_heads.box_head.fc7.",
}
"""What a canonical name begins with, and what it begins with in our models' state dicts."""

_TYPES = {torch.float16: "F16", torch.float32: "F32"}
_HEAD = ("classifier.0.weight", "classifier.0.bias", "classifier.3.weight", "classifier.3.bias")
_WANTED = "a weights file written by fer_det"
_REMEDY = "name another file, or make it with tools/train_backbone.py or convert_weights.py"


@dataclass(frozen=True)
class WeightsInfo:
    """Where weights come from and what they want to see."""

    source: str
    """Who made them, or the file that they were converted from."""
    licence: str
    trained_on: str
    image_mean: Colour
    """Subtracted from red, green and blue in 0..1."""
    image_std: Colour
    """What red, green and blue are divided by afterwards."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Whatever else is worth knowing: the command, figures."""
    sha256: str = ""
    """Of the file; the file itself does not hold it."""


def load_weights(path: Path) -> tuple[WeightsInfo, dict[str, Tensor]]:
    """Read a weights file -> what it says of itself, and float32 tensors by canonical name.

    Raises WeightsNotFoundError, and WeightsError for a file that is broken, of another kind, or
    lacks a layer of the backbone.
    """
    if not path.is_file():
        raise WeightsNotFoundError(f"{path} is absent", _WANTED, _REMEDY)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        told = f"{path} is truncated, broken or no safetensors file ({error})"
        raise WeightsError(told, _WANTED, _REMEDY) from error
    info = _info_from(path, metadata)
    _check_tensors(path, tensors)
    return info, {name: tensor.float() for name, tensor in tensors.items()}


def save_weights(
    path: Path, tensors: Mapping[str, Tensor], info: WeightsInfo, dtype: torch.dtype
) -> str:
    """Write a weights file, whole or not at all, in float16 or float32; -> its sha256.

    The same content always gives the same bytes. Raises OutputError, and WeightsError where a
    tensor is missing, has another shape or does not fit the type.
    """
    assert dtype in _TYPES
    plain = {name: tensors[name].detach().cpu().to(dtype).contiguous() for name in sorted(tensors)}
    _check_tensors(path, plain)
    metadata = {
        **info.notes,
        "format": FORMAT,
        "source": info.source,
        "licence": info.licence,
        "trained_on": info.trained_on,
        "image_mean": json.dumps(list(info.image_mean)),
        "image_std": json.dumps(list(info.image_std)),
    }
    make_folder(path.parent)
    # One after the other, since with fc6 and fc7 a file has half a gigabyte.
    with atomic_writer(path) as file:
        file.write(_header(plain, metadata))
        for tensor in plain.values():
            file.write(tensor.numpy().data)
    return file_hash(path)


def canonical_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The part of a model's plain state dict that a weights file holds, by canonical name."""
    found = {}
    for name, tensor in state.items():
        for canonical, of_model in MODEL_NAMES.items():
            if name.startswith(of_model):
                found[canonical + name.removeprefix(of_model)] = tensor
    return found


def model_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A weights file's tensors under the names of our models' state dicts."""
    found = {}
    for name, tensor in tensors.items():
        (begins,) = (canonical for canonical in MODEL_NAMES if name.startswith(canonical))
        found[MODEL_NAMES[begins] + name.removeprefix(begins)] = tensor
    return found


def _info_from(path: Path, metadata: dict[str, str]) -> WeightsInfo:
    if metadata.pop("format", None) != FORMAT:
        told = f"{path} holds weights of another kind, without the format {FORMAT!r}"
        raise WeightsError(told, _WANTED, _REMEDY)
    try:
        return WeightsInfo(
            source=metadata.pop("source"),
            licence=metadata.pop("licence"),
            trained_on=metadata.pop("trained_on"),
            image_mean=_colour(metadata.pop("image_mean")),
            image_std=_colour(metadata.pop("image_std")),
            notes=metadata,
            sha256=file_hash(path),
        )
    except (KeyError, TypeError, ValueError) as error:
        told = f"{path} does not say whence it is and what it wants to see ({error!r})"
        raise WeightsError(told, _WANTED, _REMEDY) from error


def _colour(text: str) -> Colour:
    red, green, blue = (float(value) for value in json.loads(text))
    return red, green, blue


def _check_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise WeightsError unless the backbone is whole, the head whole or absent, and all are sound."""
    wanted = dict(_backbone_shapes())
    if any(name in tensors for name in _HEAD):
        width = len(tensors.get("classifier.0.bias", ()))
        shapes = ((width, OUT_CHANNELS * POOLED**2), (width,), (width, width), (width,))
        wanted |= dict(zip(_HEAD, shapes, strict=True))
    for what, names in (
        ("lacks", sorted(wanted.keys() - tensors.keys())),
        ("holds unknown", sorted(tensors.keys() - wanted.keys())),
    ):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise WeightsError(f"{path} {what} {names[0]}{more}", _WANTED, _REMEDY)
    for name, shape in wanted.items():
        tensor = tensors[name]
        if tuple(tensor.shape) != shape:
            told = f"{path} has {name} of shape {list(tensor.shape)}"
            raise WeightsError(told, f"{list(shape)}", _REMEDY)
        if tensor.dtype not in _TYPES:
            told = f"{path} has {name} as {tensor.dtype}"
            raise WeightsError(told, "float16 or float32", _REMEDY)
        if not bool(tensor.isfinite().all()):
            told = f"{path} has {name} with numbers that are not finite in {tensor.dtype}"
            raise WeightsError(told, "finite weights", _REMEDY)


@cache
def _backbone_shapes() -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Canonical name and shape of each of the backbone's tensors."""
    with torch.device("meta"):
        state = vgg16_features(batch_norm=False).state_dict()
    return tuple((f"features.{name}", tuple(tensor.shape)) for name, tensor in state.items())


def _header(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """What a safetensors file begins with, the same for the same content.

    8 bytes with the header's length, and the header as JSON, filled up with spaces to a multiple of
    8; the tensors follow by name. The package would write the metadata in any order.
    """
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    end = 0
    for name, tensor in tensors.items():
        begin, end = end, end + tensor.nbytes
        header[name] = {
            "dtype": _TYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text
