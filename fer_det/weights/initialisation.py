"""Where a run's first weights come from: a weights file or a checkpoint, put into a new model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from fer_det.config.classifier import TrainClassifierConfig
from fer_det.config.training import Colour, ModelConfig, TrainConfig
from fer_det.data.loader import PictureDataset, make_loader
from fer_det.data.sampler import Draw
from fer_det.engine.optimizer import BACKBONE_PREFIX
from fer_det.engine.scoring import to_unit_range
from fer_det.errors import ConfigError, WeightsError, WeightsNotFoundError
from fer_det.models.vgg16 import NormalisedConv2d, fold_batch_norm, insert_batch_norm
from fer_det.weights.checkpoint import file_hash, load_checkpoint
from fer_det.weights.weights_file import load_weights, model_tensors

CALIBRATION_PICTURES = 64
"""From which a new batch normalisation takes its statistics."""
CALIBRATION_BATCH = 16

CLASS_LAYERS = frozenset(
    {"roi_heads.box_predictor.cls_score", "roi_heads.class_score", "loss.of_features"}
)
"""Their rows mean classes, so they serve the same classes alone."""

_ARCHIVE_BEGINS = b"PK\x03\x04"

C = TypeVar("C", TrainConfig, TrainClassifierConfig)


@dataclass(frozen=True)
class Start:
    """First weights, as plain VGG16, under the names of our models."""

    path: Path
    sha256: str
    source: str
    image_mean: Colour
    image_std: Colour
    tensors: Mapping[str, Tensor]
    classes: tuple[str, ...] | None
    """Of a checkpoint."""
    init: Mapping[str, Any] | None = None
    """What a checkpoint tells of its own first weights, as `describe` did."""

    def describe(self) -> dict[str, Any]:
        """What a checkpoint keeps of it, and of what it was itself started from, and so on."""
        own = {"path": str(self.path), "sha256": self.sha256, "source": self.source}
        return {**own, "init": dict(self.init)} if self.init is not None else own

    def bring_normalisation(self, config: C) -> C:
        """The same settings with the mean and deviation that these weights want to see.

        Raises ConfigError where the flags ask for others.
        """
        default = ModelConfig()
        for name in ("image_mean", "image_std"):
            asked, own = getattr(config.model, name), getattr(self, name)
            if asked not in (getattr(default, name), own):
                raise ConfigError(
                    f"--model.{name} {list(asked)} beside --init {self.path}",
                    f"its own {list(own)}",
                    "leave the flag out",
                )
        own = {"image_mean": self.image_mean, "image_std": self.image_std}
        return replace(config, model=replace(config.model, **own))


@dataclass(frozen=True)
class Taken:
    """What a model took from a Start, layer by layer."""

    start: Start
    taken: tuple[str, ...]
    fresh: tuple[str, ...]
    """Layers of the model that keep their random start."""
    unused: tuple[str, ...]
    """Layers of the file that the model has no place for, of that width and for these classes."""

    def describe(self) -> str:
        """What was taken and what was not, by name."""
        others = [name for name in self.taken if not name.startswith(BACKBONE_PREFIX)]
        backbone = len(self.taken) - len(others)
        lines = [
            f"starts from {self.start.path} ({self.start.source})",
            *_ancestors(self.start.init),
            f"  taken: {', '.join([f'{backbone} convolutions of the backbone', *others])}",
        ]
        for title, names in (("fresh", self.fresh), ("left in the file", self.unused)):
            if names:
                lines.append(f"  {title}: {', '.join(names)}")
        return "\n".join(lines)


def read_start(path: Path) -> Start:
    """Read a weights file or a checkpoint; batch normalisation in it is folded.

    Raises WeightsNotFoundError and WeightsError.
    """
    if not path.is_file():
        raise WeightsNotFoundError(
            f"--init {path} is absent", "a weights file or a checkpoint", "change the flag"
        )
    with path.open("rb") as file:
        is_checkpoint = file.read(len(_ARCHIVE_BEGINS)) == _ARCHIVE_BEGINS
    if not is_checkpoint:
        info, tensors = load_weights(path)
        own = info.image_mean, info.image_std
        return Start(path, info.sha256, info.source, *own, model_tensors(tensors), None)
    checkpoint = load_checkpoint(path)
    mean, std = checkpoint.config.image_mean, checkpoint.config.image_std
    source = f"checkpoint of {checkpoint.config.name}"
    if "epoch" in checkpoint.info:
        source += f", epoch {checkpoint.info['epoch'] + 1}"
    state = fold_batch_norm(checkpoint.model)
    init = checkpoint.info.get("init")
    return Start(path, file_hash(path), source, mean, std, state, checkpoint.classes, init)


def start_model(
    model: nn.Module, start: Start, classes: Sequence[str], pictures: PictureDataset
) -> Taken:
    """Put into a new model all that fits it by name, shape and meaning; in place.

    Batch normalisation that the model has and the weights have not is set to change nothing; see
    `insert_batch_norm`. It is calibrated on some of `pictures`, which must come without
    augmentation. Raises WeightsError where the backbone is not wholly matched.
    """
    wanted = _by_layer({n: t for n, t in model.state_dict().items() if ".norm." not in n})
    offered = _by_layer(start.tensors)
    same_classes = start.classes is None or tuple(classes) == start.classes
    # A layer is taken whole or not at all: a bias is worth nothing beside other weights.
    taken = {
        layer: tensors
        for layer, tensors in offered.items()
        if _shapes(tensors) == _shapes(wanted.get(layer, {}))
        and (same_classes or layer not in CLASS_LAYERS)
    }
    missing = [n for n in wanted if n.startswith(BACKBONE_PREFIX) and n not in taken]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise WeightsError(
            f"{start.path} has no fitting {', '.join(missing[:3])}{more}",
            "a whole VGG16 backbone",
            "name another file with --init",
        )
    state = {name: tensor for tensors in taken.values() for name, tensor in tensors.items()}
    model.load_state_dict(state, strict=False)
    _adopt_norm(model, state, pictures)
    return Taken(
        start,
        tuple(taken),
        fresh=tuple(layer for layer in wanted if layer not in taken),
        unused=tuple(layer for layer in offered if layer not in taken),
    )


def preparation(
    start: Start | None, classes: Sequence[str], pictures: PictureDataset, tell: bool
) -> Callable[[nn.Module], None] | None:
    """What a new model goes through with that start, none without one; see `start_model`.

    tell: whether this process says what was taken.
    """
    if start is None:
        return None

    def prepare(model: nn.Module) -> None:
        taken = start_model(model, start, classes, pictures)
        if tell:
            print(taken.describe(), flush=True)

    return prepare


def _ancestors(init: Mapping[str, Any] | None) -> Iterator[str]:
    while init is not None:
        yield f"  which started from {init['path']} ({init['source']})"
        init = init.get("init")


def _by_layer(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """The tensors of a state dict, still by their whole names, by the layer that they belong to."""
    layers: dict[str, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        layers.setdefault(name.rpartition(".")[0], {})[name] = tensor
    return layers


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _adopt_norm(model: nn.Module, tensors: Mapping[str, Tensor], pictures: PictureDataset) -> None:
    backbone = model.get_submodule(f"{BACKBONE_PREFIX}features")
    assert isinstance(backbone, nn.Sequential)
    if not any(isinstance(layer, NormalisedConv2d) for layer in backbone):
        return
    prefix = f"{BACKBONE_PREFIX}features."
    plain = {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
    insert_batch_norm(backbone, plain, _calibration_batches(model, pictures))


def _calibration_batches(model: nn.Module, pictures: PictureDataset) -> Iterator[Tensor]:
    """Pictures spread evenly over the split, normalised as the backbone sees them."""
    count = min(CALIBRATION_PICTURES, len(pictures))
    places = np.linspace(0, len(pictures) - 1, count).round().astype(int).tolist()
    draws = [Draw(place, 0) for place in places]
    chunks = [draws[k : k + CALIBRATION_BATCH] for k in range(0, count, CALIBRATION_BATCH)]
    transform = model.get_submodule("transform")
    for batch, _ in make_loader(pictures, chunks, workers=0, pin_memory=False):
        images, _ = transform(to_unit_range(batch, torch.device("cpu")))
        yield images.tensors
