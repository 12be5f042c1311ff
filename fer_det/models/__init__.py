"""The models by name. A new one is a file or folder here and a line in MODELS.

A model is a module with a frozen dataclass `Config`, a subclass of fer_det.config.model's
ModelConfig, and a function `build(config, classes)`, which returns a fer_det.models.contract's
FaceModel. Or it is a package, with `Config` in config.py and `build` in network.py; then its flags
can be listed without importing torch. Modules are imported when they are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from fer_det.config.model import ModelConfig
from fer_det.errors import ConfigError

if TYPE_CHECKING:
    from fer_det.models.contract import FaceModel

Kind = Literal["detector", "classifier"]
"""A detector finds faces and their expressions, a classifier gets the face's box."""


@dataclass(frozen=True)
class Registered:
    """One model."""

    kind: Kind
    module: str
    """The module or package."""
    config: str = "Config"
    """The class of its settings, where several models share a module."""

    def config_class(self) -> type[ModelConfig]:
        """Return the class of its settings."""
        found: type[ModelConfig] = getattr(self._part("config"), self.config)
        return found

    def builder(self) -> Callable[..., FaceModel]:
        """Return the function that builds it."""
        found: Callable[..., FaceModel] = self._part("network").build
        return found

    def _part(self, name: str) -> ModuleType:
        module = import_module(self.module)
        return import_module(f"{self.module}.{name}") if hasattr(module, "__path__") else module


TORCHVISION = "fer_det.models.torchvision_classifiers"

MODELS: dict[str, Registered] = {
    "vgg16_frcnn": Registered("detector", "fer_det.models.vgg16_frcnn"),
    "ssdlite": Registered("detector", "fer_det.models.ssdlite"),
    "vgg16_classifier": Registered("classifier", "fer_det.models.vgg16_classifier"),
    "resnet_classifier": Registered("classifier", "fer_det.models.resnet_classifier"),
    "mobilenet_classifier": Registered("classifier", "fer_det.models.mobilenet_classifier"),
    "mobilenet_v3_classifier": Registered("classifier", "fer_det.models.mobilenet_v3_classifier"),
    "resnet18": Registered("classifier", TORCHVISION, "ResNet18"),
    "efficientnet_b0": Registered("classifier", TORCHVISION, "EfficientNetB0"),
    "efficientnet_b2": Registered("classifier", TORCHVISION, "EfficientNetB2"),
    "vgg13": Registered("classifier", TORCHVISION, "VGG13"),
    "vgg19": Registered("classifier", TORCHVISION, "VGG19"),
    "dan": Registered("classifier", "fer_det.models.dan"),
}
"""The first of each kind is that kind's default."""

OLD_NAMES = {"frcnn_vgg16": "vgg16_frcnn"}
"""Names in model files of older versions."""


def build_model(config: ModelConfig, classes: Sequence[str], **parts: Any) -> FaceModel:
    """Build the model that `config` names, with random weights; ConfigError for an unknown name.

    parts: what that model's `build` takes besides, such as a classifier's loss.
    """
    return find_model(config.name).builder()(config, tuple(classes), **parts)


def find_model(name: str) -> Registered:
    """Return the model of that name; ConfigError where there is none."""
    if name not in MODELS:
        raise ConfigError(f"--model.name {name}", f"one of {', '.join(MODELS)}", "change the flag")
    return MODELS[name]


def is_detector(config: ModelConfig) -> bool:
    """Return whether the model that `config` names finds faces by itself."""
    return find_model(config.name).kind == "detector"


def config_chooser(kind: Kind) -> Callable[[str | None], type[ModelConfig]]:
    """Return a function from a model's name to its settings' class, for one kind of model.

    None gives the default. Raises ConfigError for an unknown name and for a model of another kind.
    """
    names = [name for name, model in MODELS.items() if model.kind == kind]

    def choose(name: str | None) -> type[ModelConfig]:
        model = find_model(name or names[0])
        if model.kind != kind:
            raise ConfigError(
                f"--model.name {name}, which is a {model.kind}",
                f"a {kind}: {' or '.join(names)}",
                "change the flag or use the command that trains it",
            )
        return model.config_class()

    return choose
