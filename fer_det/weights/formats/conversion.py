"""Any public form of weights in, the tensors of a canonical weights file out, and what was matched.

Layout, fc6's order, colours and mean are turned here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fer_det.config.weights import Channels
from fer_det.errors import WeightsError
from fer_det.weights.formats import FORMS
from fer_det.weights.formats.containers import ANOTHER, WANTED, read_stored
from fer_det.weights.formats.form import Form, Layers, Layout
from fer_det.weights.formats.network import (
    CANONICAL,
    CLASSES,
    CONVOLUTIONS,
    FULL_HEAD,
    FULL_WIDTH,
    FULLY_CONNECTED,
    HEAD,
    LAYERS,
    Stored,
    StoredLayer,
    count_parameters,
    kernel_side,
    weight_shapes,
)
from fer_det.weights.model_file import WeightsInfo
from fer_det.weights.storage import file_hash

MEAN_TOLERANCE = 1.0
"""How far, in 0..255, a mean that a file states may lie from what its form is known to want."""


@dataclass(frozen=True)
class Converted:
    """The tensors of a weights file, and what became of the file that they come from."""

    path: Path
    form: Form
    channels: str
    """The order in which the file's own first layer reads colours."""
    tensors: Mapping[str, Tensor]
    """float32, by canonical name."""
    info: WeightsInfo
    parameters: int
    """Numbers in all of the layers that were known, fc8 too."""
    matched: tuple[str, ...]
    absent: tuple[str, ...]
    """Layers that the file is known to lack and that begin elsewhere."""
    dropped: tuple[str, ...]
    """Known layers that a detector has no use for, or that were not asked for."""
    left: tuple[str, ...]
    """Layers of the file with weights that are none of VGG16's."""

    def describe(self) -> str:
        """What was matched and what was not, by name."""
        head = [name for name in self.matched if name in HEAD]
        backbone = f"{len(self.matched) - len(head)} convolutions of the backbone"
        lines = [
            f"{self.path}: {self.form.title}, {self.parameters:,} parameters, reads "
            f"{'blue, green, red' if self.channels == 'bgr' else 'red, green, blue'}",
            f"  matched: {', '.join([backbone, *head])}",
        ]
        for title, names in (
            ("absent", self.absent),
            ("dropped", self.dropped),
            ("left in the file", self.left),
        ):
            if names:
                lines.append(f"  {title}: {', '.join(names)}")
        return "\n".join(lines)


def convert_weights(path: Path, head: bool = True, channels: Channels = "auto") -> Converted:
    """Read a public file, whichever it is, at any width.

    head: whether fc6 and fc7 are taken where they are; channels: the order in which the file's
    first layer reads colours, "auto" for what is known of its form. Raises WeightsNotFoundError,
    and WeightsError for a file that is broken, not safe, of no known form, of another training or
    lacks a layer.
    """
    stored = read_stored(path)
    form, layers = _recognise(path, stored)
    _check_training(path, form, layers, stored)
    weights = {name: _as_oihw(path, name, layers[name], form.layout) for name in layers}
    shapes = _check_shapes(path, weights, layers)
    own_channels = form.channels if channels == "auto" else channels
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
    return Converted(
        path=path,
        form=form,
        channels=own_channels,
        tensors=tensors,
        info=_info(path, form, own_channels, parameters),
        parameters=parameters,
        matched=tuple(matched),
        absent=tuple(name for name in HEAD if name not in layers),
        dropped=tuple(name for name in layers if name not in matched),
        left=tuple(layer.name for layer in stored.layers if id(layer) not in used),
    )


def _recognise(path: Path, stored: Stored) -> tuple[Form, Layers]:
    """The one form that this is, and its layers in the order of computation, all of them."""
    for form in FORMS:
        layers = form.pick(stored) if form.container == stored.container else None
        if layers is not None:
            break
    else:
        names = [layer.name for layer in stored.layers]
        held = f"{len(names)} layers with weights: {_list(names)}" if names else "no weights"
        raise WeightsError(f"{path} is of no known form ({held})", WANTED, ANOTHER)
    alone = form.backbone_alone and not any(name in layers for name in FULLY_CONNECTED)
    wanted = tuple(CONVOLUTIONS) if alone else LAYERS
    if missing := [name for name in wanted if name not in layers]:
        raise WeightsError(
            f"{path}, {form.title}, lacks {_list(missing)}",
            "every layer of it",
            "download it again or name another file",
        )
    return form, {name: layers[name] for name in wanted}


def _check_training(path: Path, form: Form, layers: Layers, stored: Stored) -> None:
    """Refuse the same network after another training: its input would be another."""
    training = form.training
    if CLASSES in layers and (count := layers[CLASSES].bias.size) != training.classes:
        raise WeightsError(
            f"{path} is laid out as {form.title} and tells {count:,} classes apart",
            f"{training.classes:,}; otherwise its mean colour is not known",
            ANOTHER,
        )
    if stored.mean is not None:
        known = [255 * mean for mean in training.image_mean]
        if any(abs(m - k) > MEAN_TOLERANCE for m, k in zip(stored.mean, known, strict=True)):
            told = ", ".join(f"{mean:.1f}" for mean in stored.mean)
            wanted = ", ".join(f"{mean:.1f}" for mean in known)
            raise WeightsError(f"{path} states the mean colour {told}", wanted, ANOTHER)


def _as_oihw(path: Path, name: str, layer: StoredLayer, layout: Layout) -> NDArray[Any]:
    """A layer's weight as (O, I, side, side), without copying where that can be.

    Fully connected layers count as convolutions over all that they see: (O, C H W) is that already,
    and (H W C, O) becomes it as (H, W, C, O) does.
    """
    weight, side = layer.weight, kernel_side(name)
    kernel = (side, side)
    if weight.ndim == 4 and (weight.shape[2:] if layout == "OIHW" else weight.shape[:2]) != kernel:
        raise _misfit(path, name, weight, f"a kernel of {side} x {side}, {layout}")
    outputs = weight.shape[0 if layout == "OIHW" else -1] if weight.ndim in (2, 4) else 0
    if not outputs or weight.size % (outputs * side**2):
        raise _misfit(path, name, weight, f"a weight that can be laid out {layout}")
    if layout == "OIHW":
        return weight.reshape(outputs, -1, side, side)
    return weight.reshape(side, side, -1, outputs).transpose(3, 2, 0, 1)


def _check_shapes(
    path: Path, weights: Mapping[str, NDArray[Any]], layers: Layers
) -> dict[str, tuple[int, ...]]:
    """The shapes of a VGG16 as wide as conv1_1 and fc6; WeightsError where one is another."""
    width, head = len(weights["conv1_1"]), len(weights.get("fc6", ()))
    if width > FULL_WIDTH or head > FULL_HEAD:
        told = f"{path} has a network {width:,} wide with {head:,} above"
        raise WeightsError(told, f"at most {FULL_WIDTH} and {FULL_HEAD:,}, as VGG16 has", ANOTHER)
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
    """A float32 copy in plain order; the file's own array may be mapped, turned or read-only."""
    if values.dtype.kind != "f":
        raise _misfit(path, name, values, f"floating point numbers, not {values.dtype}")
    copied = torch.from_numpy(np.array(values, dtype=np.float32, order="C"))
    if not bool(copied.isfinite().all()):
        raise WeightsError(
            f"{path} has {name} with numbers that are not finite", "finite weights", ANOTHER
        )
    return copied


def _info(path: Path, form: Form, channels: str, parameters: int) -> WeightsInfo:
    training = form.training
    return WeightsInfo(
        source=training.source,
        licence=training.licence,
        trained_on=training.trained_on,
        image_mean=training.image_mean,
        image_std=training.image_std,
        notes={
            "form": form.name,
            "file": path.name,
            "file_sha256": file_hash(path),
            "file_channels": channels,
            "parameters": str(parameters),
        },
    )


def _misfit(path: Path, name: str, array: NDArray[Any], wanted: str) -> WeightsError:
    return WeightsError(f"{path} has {name} of shape {list(array.shape)}", wanted, ANOTHER)


def _list(names: Sequence[str]) -> str:
    """The first names, and how many more."""
    shown = ", ".join(name[:40] for name in names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
