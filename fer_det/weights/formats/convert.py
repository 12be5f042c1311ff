"""Convert a published file of VGG16's weights into the tensors of a weights file of fer_det.

Axes, the order in fc6, the order of colours and the mean are converted here and nowhere else:

- HWIO becomes OIHW by transpose(3, 2, 0, 1); fc6 from Keras or MATLAB is
  reshape(7, 7, 512, 4096).transpose(3, 2, 0, 1).reshape(4096, 25088).
- Where conv1_1 reads blue first, its input channels are reversed.
- fc8 is dropped: a detector of expressions has other classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fer_det.config.weights import Channels
from fer_det.errors import WeightsError
from fer_det.weights.formats import caffe, keras, matlab, pytorch
from fer_det.weights.formats.layers import (
    CANONICAL,
    CLASSES,
    CONVOLUTIONS,
    FULL_HEAD,
    FULL_WIDTH,
    FULLY_CONNECTED,
    HEAD,
    LAYERS,
    StoredLayer,
    StoredWeights,
    count_parameters,
    kernel_side,
    weight_shapes,
)
from fer_det.weights.formats.published import (
    WEIGHT_FORMATS,
    Layers,
    Layout,
    Reader,
    WeightFormat,
)
from fer_det.weights.model_file import WeightsInfo
from fer_det.weights.recognise import KNOWN_FILES, recognise_weights
from fer_det.weights.storage import file_hash

MEAN_TOLERANCE = 1.0
"""Largest difference, in 0..255, between the mean that a file states and that of its format."""

MAX_FILE_BYTES = 4 * 2**30
"""The largest published file, in double precision and with its gradients, is smaller."""

_READERS: Mapping[Reader, Callable[[Path], StoredWeights]] = {
    "pytorch": pytorch.read,
    "keras": keras.read,
    "matlab": matlab.read,
    "caffe": caffe.read,
}

_WANTED = "a published file of VGG-Face or of torchvision's VGG16"
_REMEDY = f"name another file; {KNOWN_FILES}"


@dataclass(frozen=True)
class ConvertedWeights:
    """The tensors of a weights file, and what became of each layer of the published file."""

    path: Path
    format: WeightFormat
    channels: str
    """Order of colours that the file's own conv1_1 reads."""
    tensors: Mapping[str, Tensor]
    """float32, by canonical name."""
    info: WeightsInfo
    parameters: int
    """Number of weights and biases of all layers that were known, fc8 included."""
    matched: tuple[str, ...]
    absent: tuple[str, ...]
    """Layers that the format lacks; a model starts them at random."""
    dropped: tuple[str, ...]
    """Known layers that were not asked for, and fc8."""
    ignored: tuple[str, ...]
    """Layers of the file that are none of VGG16's."""

    def describe(self) -> str:
        """Which layers were matched and which were not, by name; several lines."""
        head = [name for name in self.matched if name in HEAD]
        backbone = f"{len(self.matched) - len(head)} convolutions of the backbone"
        colours = "blue, green, red" if self.channels == "bgr" else "red, green, blue"
        lines = [
            f"{self.path}: {self.format.title}, {self.parameters:,} parameters, reads {colours}",
            f"  matched: {', '.join([backbone, *head])}",
        ]
        for title, names in (
            ("absent", self.absent),
            ("dropped", self.dropped),
            ("ignored", self.ignored),
        ):
            if names:
                lines.append(f"  {title}: {', '.join(names)}")
        return "\n".join(lines)


def convert_weights(path: Path, head: bool = True, channels: Channels = "auto") -> ConvertedWeights:
    """Read a published file of whatever format and width, and convert it.

    head: whether fc6 and fc7 are taken where the file has them; channels: the order of colours that
    the file's conv1_1 reads, "auto" for what is known of its format. Raises WeightsNotFoundError,
    and WeightsError for a file that is broken, not safe, of no known format, of another training,
    or that lacks a layer.
    """
    stored, found, layers = _read(path)
    _check_training(path, found, layers, stored)
    weights = {name: _as_oihw(path, name, layers[name], found.layout) for name in layers}
    shapes = _check_shapes(path, weights, layers)
    own_channels = found.channels if channels == "auto" else channels
    matched = [name for name in layers if name in CONVOLUTIONS or (head and name in HEAD)]
    tensors: dict[str, Tensor] = {}
    for name in matched:
        canonical = CANONICAL[name]
        weight = weights[name]
        if name == "conv1_1" and own_channels == "bgr":
            weight = weight[:, ::-1]
        tensors[f"{canonical}.weight"] = _tensor(path, name, weight.reshape(shapes[name]))
        tensors[f"{canonical}.bias"] = _tensor(path, name, layers[name].bias)
    parameters = count_parameters(shapes)
    used = {id(layer) for layer in layers.values()}
    return ConvertedWeights(
        path=path,
        format=found,
        channels=own_channels,
        tensors=tensors,
        info=_info(path, found, own_channels, parameters),
        parameters=parameters,
        matched=tuple(matched),
        absent=tuple(name for name in HEAD if name not in layers),
        dropped=tuple(name for name in layers if name not in matched),
        ignored=tuple(layer.name for layer in stored.layers if id(layer) not in used),
    )


def _read(path: Path) -> tuple[StoredWeights, WeightFormat, Layers]:
    """(the file's content, its format, all of VGG16's layers in the order of computation)."""
    recognised = recognise_weights(path)
    if recognised.reader is None:
        raise recognised.error(_WANTED)
    if (size := path.stat().st_size) > MAX_FILE_BYTES:
        raise WeightsError(f"{path} has {size:,} bytes", f"at most {MAX_FILE_BYTES:,}", _REMEDY)
    stored = _READERS[recognised.reader](path)
    for each in WEIGHT_FORMATS:
        layers = each.pick(stored) if each.reader == recognised.reader else None
        if layers is not None:
            break
    else:
        names = [layer.name for layer in stored.layers]
        held = f"{len(names)} layers with weights: {_list(names)}" if names else "no weights"
        raise WeightsError(f"{path} has no known format ({held})", _WANTED, _REMEDY)
    lacks_head = each.may_lack_head and not any(name in layers for name in FULLY_CONNECTED)
    wanted = tuple(CONVOLUTIONS) if lacks_head else LAYERS
    if missing := [name for name in wanted if name not in layers]:
        raise WeightsError(
            f"{path}, {each.title}, lacks {_list(missing)}",
            "all of its layers",
            "download it again or name another file",
        )
    return stored, each, {name: layers[name] for name in wanted}


def _check_training(path: Path, found: WeightFormat, layers: Layers, stored: StoredWeights) -> None:
    """Refuse the same network from another training, since it expects another input."""
    training = found.training
    if CLASSES in layers and (count := layers[CLASSES].bias.size) != training.classes:
        raise WeightsError(
            f"{path} has the layers of {found.title} and {count:,} classes",
            f"{training.classes:,}; for others the mean colour is not known",
            _REMEDY,
        )
    if stored.mean is not None:
        known = [255 * mean for mean in training.image_mean]
        if any(abs(m - k) > MEAN_TOLERANCE for m, k in zip(stored.mean, known, strict=True)):
            stated = ", ".join(f"{mean:.1f}" for mean in stored.mean)
            wanted = ", ".join(f"{mean:.1f}" for mean in known)
            raise WeightsError(f"{path} states the mean colour {stated}", wanted, _REMEDY)


def _as_oihw(path: Path, name: str, layer: StoredLayer, layout: Layout) -> NDArray[Any]:
    """A layer's weight as (O, I, side, side), as a view where possible.

    A fully connected layer becomes a convolution over all that it reads: (O, C H W) is OIHW
    already, and (H W C, O) is converted as HWIO.
    """
    weight, side = layer.weight, kernel_side(name)
    kernel = (side, side)
    if weight.ndim == 4 and (weight.shape[2:] if layout == "OIHW" else weight.shape[:2]) != kernel:
        raise _misfit(path, name, weight, f"a kernel of {side} x {side}, {layout}")
    outputs = weight.shape[0 if layout == "OIHW" else -1] if weight.ndim in (2, 4) else 0
    if not outputs or weight.size % (outputs * side**2):
        raise _misfit(path, name, weight, f"the shape of a weight, {layout}")
    if layout == "OIHW":
        return weight.reshape(outputs, -1, side, side)
    return weight.reshape(side, side, -1, outputs).transpose(3, 2, 0, 1)


def _check_shapes(
    path: Path, weights: Mapping[str, NDArray[Any]], layers: Layers
) -> dict[str, tuple[int, ...]]:
    """The shapes of a VGG16 as wide as conv1_1 and fc6; WeightsError where a layer's differs."""
    width, head = len(weights["conv1_1"]), len(weights.get("fc6", ()))
    if width > FULL_WIDTH or head > FULL_HEAD:
        found = f"{path} has {width:,} channels in conv1_1 and {head:,} in fc6"
        raise WeightsError(found, f"at most {FULL_WIDTH} and {FULL_HEAD:,}, as in VGG16", _REMEDY)
    shapes = weight_shapes(width, head, len(weights.get(CLASSES, ())))
    for name, weight in weights.items():
        outputs, *inputs = shapes[name]
        flat = (outputs, int(np.prod(inputs)))
        if (len(weight), weight[0].size) != flat or (name == "conv1_1" and weight.shape[1] != 3):
            raise _misfit(path, name, layers[name].weight, f"{list(shapes[name])} as O, I, H, W")
        if layers[name].bias.shape != (outputs,):
            raise _misfit(path, name, layers[name].bias, f"a bias of [{outputs}]")
    return {name: shapes[name] for name in weights}


def _tensor(path: Path, name: str, values: NDArray[Any]) -> Tensor:
    """A contiguous float32 copy; the file's own array may be mapped, transposed or read-only."""
    if values.dtype.kind != "f":
        raise _misfit(path, name, values, f"floating point numbers, not {values.dtype}")
    copied = torch.from_numpy(np.array(values, dtype=np.float32, order="C"))
    if not bool(copied.isfinite().all()):
        raise WeightsError(
            f"{path} has {name} with numbers that are not finite", "finite weights", _REMEDY
        )
    return copied


def _info(path: Path, found: WeightFormat, channels: str, parameters: int) -> WeightsInfo:
    training = found.training
    return WeightsInfo(
        source=training.source,
        licence=training.licence,
        trained_on=training.trained_on,
        image_mean=training.image_mean,
        image_std=training.image_std,
        notes={
            "weight_format": found.name,
            "file": path.name,
            "file_sha256": file_hash(path),
            "file_channels": channels,
            "parameters": str(parameters),
        },
    )


def _misfit(path: Path, name: str, array: NDArray[Any], wanted: str) -> WeightsError:
    return WeightsError(f"{path} has {name} of shape {list(array.shape)}", wanted, _REMEDY)


def _list(names: Sequence[str]) -> str:
    """The first names, and how many more."""
    shown = ", ".join(name[:40] for name in names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
