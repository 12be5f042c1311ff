"""Model files: a model's weights, its settings and where it comes from, as .pth or .safetensors.

best.pth holds what is needed to use a model, last.pth also the state of its training. As
.safetensors a file holds the same as best.pth; published weights hold a part of a network only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from fer_det.config.model import Colour, ModelConfig, from_plain, to_plain
from fer_det.errors import ConfigError, WeightsError
from fer_det.evaluation.calibration import UNCHANGED
from fer_det.models import MODELS, OLD_NAMES, build_model
from fer_det.weights.storage import (
    FORMAT,
    NEWER_VERSION,
    OLD_CHECKPOINT,
    file_hash,
    read_content,
    refusal,
    write_content,
)

if TYPE_CHECKING:
    from fer_det.models.contract import FaceModel

TEMPERATURE = "temperature"
"""Key in `info` of the number that the logits of the expressions are divided by."""

UNKNOWN_BELOW = "unknown_below"
"""Key in `info` of the calibrated probability below which a face's expression is unknown."""

DATASETS = "datasets"
"""Key in `info["data"]` of the names of the data sets that it was trained on: 'ferplus + rafdb'."""


@dataclass(frozen=True)
class ModelFile:
    """A model's weights and all that is needed to use them or to continue their training."""

    tensors: Mapping[str, Tensor]
    """State dict."""
    config: ModelConfig
    """Settings of the network that fits the tensors, with its input's normalisation. The name is
    empty for published weights, which are part of a network."""
    classes: tuple[str, ...] = ()
    """Names of the labels 1, 2, ...; () for weights without classes."""
    info: Mapping[str, Any] = field(default_factory=dict)
    """Plain values: how it was trained, on what, how it was chosen and how it scored; of published
    weights source, licence, trained_on and notes."""
    training: Mapping[str, Any] | None = None
    """State of the optimizer and position in the run, in last.pth only."""
    path: Path | None = None
    """The file that it was read from."""

    @cached_property
    def sha256(self) -> str:
        """Of the file that it was read from, '' without one."""
        return "" if self.path is None else file_hash(self.path)

    @property
    def temperature(self) -> float:
        """Fitted on the validation split; 1 where none was. See fer_det.evaluation.calibration."""
        return float(self.info.get(TEMPERATURE, UNCHANGED))

    @property
    def source(self) -> str:
        """Where the weights come from, in a few words."""
        if "source" in self.info:
            return str(self.info["source"])
        epoch = f", epoch {self.info['epoch'] + 1}" if "epoch" in self.info else ""
        return f"{self.config.name}{epoch}"

    def origin(self) -> dict[str, Any]:
        """Return what a model that was initialised from this file records of it.

        Path, sha256 and source, what it was trained on as far as that is known, and under `init`
        the same of the file that this one was initialised from, and so on.
        """
        own = {"path": str(self.path), "sha256": self.sha256, "source": self.source}
        own |= {name: self.info[name] for name in ("data", "trained_on") if name in self.info}
        init = self.info.get("init")
        return own if init is None else {**own, "init": dict(init)}


@dataclass(frozen=True)
class WeightsInfo:
    """Description of published weights."""

    source: str
    """Their authors, or the file that they were converted from."""
    licence: str
    trained_on: str
    image_mean: Colour
    """Mean of red, green and blue in 0..1, subtracted from the input."""
    image_std: Colour
    """Standard deviation of red, green and blue in 0..1; the input is divided by it."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Further facts: command, figures."""


def read_model_file(path: Path) -> ModelFile:
    """Read a model file of any kind and version onto the CPU and check that it is unchanged.

    Raises WeightsNotFoundError and WeightsError.
    """
    content = read_content(path)
    try:
        return _model_file_of(path, content)
    except ConfigError as error:
        raise WeightsError(f"{path} holds {error.found}", error.wanted, NEWER_VERSION) from error
    except (KeyError, TypeError, AttributeError) as error:
        problem = f"lacks a part, or has it in another form ({error})"
        raise refusal(path, problem) from error


def write_model_file(path: Path, file: ModelFile, dtype: torch.dtype | None = None) -> None:
    """Write a model file, as safetensors if its name ends so, else as .pth.

    dtype: type to convert floating-point tensors to, such as torch.float16; None keeps theirs.
    Tensors are the same where their memory layouts are, too. Raises OutputError, and WeightsError
    for a number that the type cannot hold.
    """
    tensors = {name: tensor.detach().cpu() for name, tensor in file.tensors.items()}
    if dtype is not None:
        tensors = {n: t.to(dtype) if t.is_floating_point() else t for n, t in tensors.items()}
        for name, tensor in tensors.items():
            if not bool(tensor.isfinite().all()):
                raise WeightsError(
                    f"{name} with numbers that are not finite in {dtype}",
                    "finite weights",
                    "write another type",
                )
    content = {
        "format": FORMAT,
        "tensors": tensors,
        "config": to_plain(file.config),
        "classes": list(file.classes),
        "info": dict(file.info),
        "training": None if file.training is None else dict(file.training),
    }
    write_content(path, content)


def save_weights(
    path: Path, tensors: Mapping[str, Tensor], info: WeightsInfo, dtype: torch.dtype
) -> str:
    """Write published weights, which are part of a network; return the file's sha256.

    tensors: by names that begin like those in a model's `published_prefixes`.
    """
    config = ModelConfig(image_mean=info.image_mean, image_std=info.image_std, batch_norm=False)
    described = {"source": info.source, "licence": info.licence, "trained_on": info.trained_on}
    plain = ModelFile(tensors, config, info={**described, "notes": dict(info.notes)})
    write_model_file(path, plain, dtype)
    return file_hash(path)


def demand_complete(file: ModelFile, path: Path) -> None:
    """Raise WeightsError where the file holds a part of a network, which answers nothing."""
    if not file.config.name:
        problem = "holds weights to initialise a training with, not a complete model"
        raise WeightsError(f"{path} {problem}", "a trained model", "give it to train --init")


def restore_model(file: ModelFile, path: Path) -> FaceModel:
    """Build the file's model and load its weights; `path` is its name in error messages.

    Raises WeightsError where the file holds no complete model, or where the weights are not those
    of the network that the settings describe.
    """
    demand_complete(file, path)
    # First without memory, since the settings may describe a network of any size.
    with torch.device("meta"):
        described = build_model(file.config, file.classes)
    wanted = {name: tuple(tensor.shape) for name, tensor in described.state_dict().items()}
    found = {
        name: tuple(tensor.shape)
        for name, tensor in file.tensors.items()
        if name in wanted or not name.startswith(described.training_prefixes)
    }
    for name in sorted(wanted.keys() | found.keys()):
        if found.get(name) != wanted.get(name):
            problem = f"has {name} {found.get(name)}, its settings ask for {wanted.get(name)}"
            raise refusal(path, problem)
    model = build_model(file.config, file.classes)
    model.load_state_dict({name: file.tensors[name] for name in wanted})
    return model


def _model_file_of(path: Path, content: Mapping[str, Any]) -> ModelFile:
    """Raises KeyError and TypeError: a hash proves that nothing changed, not who wrote it."""
    tensors = _demand_type("tensors", content["tensors"], dict)
    for name, tensor in tensors.items():
        _demand_type(f"tensor {name}", tensor, Tensor)
    values = dict(_demand_type("config", content["config"], dict))
    name = OLD_NAMES.get(values.get("name", ""), values.get("name", ""))
    if name and name not in MODELS:
        raise ConfigError(f"the model {name}", f"one of {', '.join(MODELS)}", NEWER_VERSION)
    config_class = MODELS[name].config_class() if name else ModelConfig
    values = {**config_class.former, **values}
    if content["format"] == OLD_CHECKPOINT:
        # Its settings were those of all models together.
        known = {entry.name for entry in fields(config_class)}
        values = {key: value for key, value in values.items() if key in known}
    training = content.get("training")
    return ModelFile(
        tensors=tensors,
        config=from_plain(config_class, {**values, "name": name}),
        classes=tuple(
            _demand_type("class", each, str)
            for each in _demand_type("classes", content["classes"], list)
        ),
        info=_demand_type("info", content["info"], dict),
        training=None if training is None else _demand_type("training", training, dict),
        path=path,
    )


def _demand_type(what: str, value: Any, kind: type[Any]) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{what} is a {type(value).__name__}, not a {kind.__name__}")
    return value
