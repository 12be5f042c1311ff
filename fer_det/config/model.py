"""Settings of every model, the choice of a model by name, and helpers of all configurations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import NoneType
from typing import Any, ClassVar, Literal, Self, TypeVar, get_args, get_origin, get_type_hints

from fer_det.errors import ConfigError

Colour = tuple[float, float, float]
"""Red, green and blue."""

Precision = Literal["auto", "float32", "bfloat16", "float16"]
"""Number format that a network computes with."""
Illumination = Literal["none", "plane", "equalise", "plane+equalise"]
"""See fer_det.models.illumination."""

C = TypeVar("C")


@dataclass(frozen=True)
class ModelConfig:
    """The network. Each model of fer_det.models adds its own settings in a subclass.

    A model file holds all of them, so every constant that changes an answer is one of them.
    """

    name: str = ""
    """Model to build; an unknown name lists the known ones."""
    input_size: int = 224
    """Side of the square input in pixels; pictures are scaled into it."""
    image_mean: Colour = (0.5, 0.5, 0.5)
    """Mean of red, green and blue in 0..1, subtracted from the input; --init sets its own."""
    image_std: Colour = (0.25, 0.25, 0.25)
    """Standard deviation of red, green and blue in 0..1; the input is divided by it."""
    batch_norm: bool = True
    """Use batch normalisation in training; best.pth holds it folded into the convolutions."""

    pretrained: ClassVar[tuple[str, ...]] = ()
    """Files of weights/ that --init auto may take, the best one first."""
    size_multiple: ClassVar[int] = 1
    """The input size must be a multiple of it."""
    former: ClassVar[Mapping[str, Any]] = {}
    """Values of settings, as JSON holds them, of model files that were written before they had the
    setting or its present default; such files then give the same answers as ever."""

    def __post_init__(self) -> None:
        multiple = self.size_multiple
        demand(
            self.input_size > 0 and self.input_size % multiple == 0,
            f"--model.input_size {self.input_size}",
            f"a positive multiple of {multiple}",
        )
        demand(
            all(0 <= mean <= 1 for mean in self.image_mean),
            f"--model.image_mean {list(self.image_mean)}",
            "0 to 1",
        )
        demand(
            all(std > 0 for std in self.image_std),
            f"--model.image_std {list(self.image_std)}",
            "more than 0",
        )

    def without_batch_norm(self) -> Self:
        """Return the settings of the same network after its batch normalisation was folded."""
        return replace(self, batch_norm=False)

    @property
    def freezable_layers(self) -> int:
        """Number of backbone layers that can be frozen."""
        return 0

    @property
    def padding(self) -> tuple[int, int, int]:
        """The mean colour in 0..255, which fills the input outside the picture."""
        red, green, blue = (round(255 * mean) for mean in self.image_mean)
        return red, green, blue

    def demand_range(self, name: str, low: float, high: float, wanted: str) -> None:
        """Raise ConfigError unless low <= the field (or each of its numbers) <= high."""
        value = getattr(self, name)
        numbers = value if isinstance(value, tuple) else (value,)
        shown = list(value) if isinstance(value, tuple) else value
        holds = bool(numbers) and all(low <= number <= high for number in numbers)
        demand(holds, f"--model.{name} {shown}", wanted)


@dataclass(frozen=True)
class ClassifierModelConfig(ModelConfig):
    """The network of a classifier, which gets each face as a crop."""

    face_margin: float = 0.2
    """Margin of a face crop on each side, relative to the longer side of the face's box."""
    illumination: Illumination = "none"
    """Normalisation of a crop's illumination: plane subtracts the plane that fits its gray levels,
    equalise maps them by their histogram, plane+equalise does both."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.demand_range("face_margin", 0, 2, "0 to 2")

    @property
    def feature_width(self) -> int:
        """Length of the feature vectors that a loss of features gets."""
        raise NotImplementedError


def to_plain(config: Any) -> dict[str, Any]:
    """Return a configuration as the plain values of JSON, as model files hold it."""
    return {name: _plain(value) for name, value in asdict(config).items()}


def from_plain(config_class: type[C], values: dict[str, Any]) -> C:
    """Return the flat configuration that `to_plain` wrote.

    Raises ConfigError for unknown fields and TypeError for values of another type.
    """
    known = {entry.name for entry in fields(config_class)}  # type: ignore[arg-type]
    if unknown := sorted(set(values) - known):
        raise ConfigError(
            f"a {config_class.__name__} with {', '.join(unknown)}",
            f"only {', '.join(sorted(known))}",
            "use the version of fer_det that wrote it, or a newer one",
        )
    hints = get_type_hints(config_class)
    return config_class(**{name: _typed(name, v, hints[name]) for name, v in values.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return str(value) if isinstance(value, Path) else value


def _typed(name: str, value: Any, hint: Any) -> Any:
    """Return a value of JSON as the type of its field, lists as tuples; TypeError if it is none."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is tuple and type(value) is list:
        of_each = parts[:1] * len(value) if parts[1:] == (...,) else parts
        if len(value) == len(of_each):
            return tuple(_typed(name, each, of) for each, of in zip(value, of_each, strict=True))
    elif origin is Literal and value in parts:
        return value
    elif NoneType in parts:
        return value if value is None else _typed(name, value, parts[0])
    # A bool is an int to isinstance.
    elif type(value) is hint or (hint is float and type(value) is int):
        return value
    raise TypeError(f"{name} is a {type(value).__name__}, not {hint}")


def demand(holds: bool, found: str, wanted: str) -> None:
    """Raise ConfigError unless a flag holds."""
    if not holds:
        raise ConfigError(found, wanted, "change the flag")


def demand_file(flag: str, path: Path | None) -> None:
    """Raise ConfigError where a file to write is a folder."""
    is_folder = path is not None and path.is_dir()
    demand(not is_folder, f"{flag} {path}, which is a folder", "the name of a file")
