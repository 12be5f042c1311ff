"""adapter.yaml: how a classifier of another project is fed, and what its answers mean."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from fer_det.config.command import parse_config
from fer_det.config.model import demand
from fer_det.core.expression import expression_of_word
from fer_det.errors import ConfigError
from fer_det.io.files import find_shipped

FOLDER = "configs/adapters"
"""The adapters that come with fer_det."""
NO_CLASS = "-"

_REMEDY = "see docs/other_models.md"


@dataclass(frozen=True)
class AdapterConfig:
    """How a classifier of another project is fed, and what its answers mean."""

    classes: tuple[str, ...]
    """What each number of the answer stands for, in its order: happiness or happy, fear or fearful,
    ... A dash leaves a number out that is no class; other words are classes beyond ours."""
    input_size: int
    """Side of the square input in pixels."""
    channels: Literal["rgb", "bgr", "gray"] = "rgb"
    """Colours of the input, in their order."""
    layout: Literal["nchw", "nhwc"] = "nchw"
    """Order of the input's axes."""
    white: float = 1.0
    """Value of the brightest pixel before mean and std: 1 or 255."""
    mean: tuple[float, ...] = (0.0,)
    """Subtracted from the pixels, one number or one for each of the channels, in their order."""
    std: tuple[float, ...] = (1.0,)
    """By which pixels are divided afterwards, one number or one for each of the channels."""
    face_margin: float = 0.0
    """Margin of a face crop on each side, relative to the longer side of the face's box."""
    padding: tuple[int, ...] = (0, 0, 0)
    """Red, green and blue in 0..255 of what lies outside the picture."""
    alignment: tuple[float, ...] = ()
    """Where the input has left eye, right eye, nose, left and right corner of the mouth, as the
    viewer sees them: x, y of each in pixels. MTCNN then finds them in the picture, and the face is
    turned and scaled to fit; where it finds none, the crop with its margin is taken."""
    kind: Literal["logits", "probabilities"] = "logits"
    """What the numbers of the answer are."""
    output: str = ""
    """Name of an ONNX file's output; the first one by default."""
    extra: Literal["drop", "keep"] = "drop"
    """Classes that the scored folder lacks, such as contempt. drop: their probability is divided
    among the others; keep: a face predicted so counts as an error."""
    temperature: float = 1.0
    """By which logits are divided; of probabilities the one that they were made with."""
    architecture: str = ""
    """Of a state dict: the torchvision network that it belongs to, such as resnet18."""
    source: str = ""
    """Where the model and these facts come from."""
    licence: str = ""
    """Terms of the model's file."""

    def __post_init__(self) -> None:
        count = 1 if self.channels == "gray" else 3
        demand(0 < self.input_size <= 4096, f"input_size {self.input_size}", "1 to 4096")
        for name in ("mean", "std"):
            found = getattr(self, name)
            demand(len(found) in (1, count), f"{name} {list(found)}", f"1 or {count} numbers")
        demand(all(each > 0 for each in self.std), f"std {list(self.std)}", "more than 0")
        demand(self.white > 0, f"white {self.white}", "more than 0")
        demand(self.temperature > 0, f"temperature {self.temperature}", "more than 0")
        demand(0 <= self.face_margin <= 2, f"face_margin {self.face_margin}", "0 to 2")
        bytes_only = len(self.padding) == 3 and all(0 <= each <= 255 for each in self.padding)
        demand(bytes_only, f"padding {list(self.padding)}", "3 numbers of 0 to 255")
        demand(
            len(self.alignment) in (0, 10),
            f"alignment of {len(self.alignment)} numbers",
            "none, or x and y of 5 points",
        )
        names = Counter(name for name in self.class_names if name != NO_CLASS)
        twice = [name for name, times in names.items() if times > 1]
        demand(not twice and len(names) > 1, f"classes {', '.join(self.classes)}", "each once")

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, expressions by their labels, others and NO_CLASS as they are."""
        found = ((expression_of_word(word), word) for word in self.classes)
        return tuple(word if each is None else each.label for each, word in found)


def read_adapter(path: Path) -> AdapterConfig:
    """Read an adapter: a YAML file, or the name of one that comes with fer_det.

    Raises ConfigError for one that is absent, unreadable, or has unknown or wrong settings.
    """
    if not path.is_file():
        shipped = find_shipped(f"{FOLDER}/{path.stem}.yaml") if path.parent == Path() else None
        if shipped is None:
            folder = find_shipped(FOLDER)
            names = ", ".join(sorted(each.stem for each in folder.glob("*.yaml"))) if folder else ""
            raise ConfigError(
                f"--adapter {path}, which is absent", f"a YAML file, or one of {names}", _REMEDY
            )
        path = shipped
    try:
        return parse_config(AdapterConfig, "adapter", [f"--config={path}"])
    except ConfigError as error:
        raise ConfigError(f"--adapter {path}: {error.found}", error.wanted, _REMEDY) from error


def scored_classes(adapter: AdapterConfig, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes to score on a folder with the classes `known`."""
    others = [name for name in adapter.class_names if name not in (*known, NO_CLASS)]
    return known if adapter.extra == "drop" else (*known, *others)


def described(adapter: AdapterConfig) -> AdapterConfig:
    """Return the adapter with its classes by the names that scores have."""
    return replace(adapter, classes=adapter.class_names)
