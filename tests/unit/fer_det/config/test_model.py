import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pytest

from fer_det.config.command import parse_config
from fer_det.config.model import (
    ClassifierModelConfig,
    ModelConfig,
    from_plain,
    to_plain,
)
from fer_det.errors import ConfigError


@dataclass(frozen=True)
class Small(ModelConfig):
    """Settings of a small model."""

    name: str = "small"
    """Model to build."""
    scales: tuple[tuple[float, ...], ...] = ((1.0,),)
    """Sides of the anchors."""
    rank: int | None = None
    """Rank of the head."""
    width: Literal["large", "small"] = "large"
    """Width of the backbone."""


@dataclass(frozen=True)
class Large(ModelConfig):
    """Settings of a large model."""

    name: str = "large"
    """Model to build."""
    layers: int = 3
    """Number of layers."""


@dataclass(frozen=True)
class Command:
    """Do something with a model."""

    model: ModelConfig = field(kw_only=True)
    """The network."""
    epochs: int = 5
    """Passes over the data."""


def choose(name: str | None) -> type[ModelConfig]:
    found: dict[str | None, type[ModelConfig]] = {None: Small, "small": Small, "large": Large}
    if name not in found:
        raise ConfigError(f"--model.name {name}", "small or large", "change the flag")
    return found[name]


def parse(*argv: str) -> Command:
    return parse_config(Command, "prog", argv, {"model": choose})


class TestChoice:
    def test_default(self) -> None:
        config = parse("--epochs=2")
        assert isinstance(config, Command)
        assert (config.model, config.epochs) == (Small(), 2)
        assert parse().model == Small()

    @pytest.mark.parametrize("argv", [("--model.name=large",), ("--model.name", "large")])
    def test_by_flag(self, argv: tuple[str, ...]) -> None:
        assert parse(*argv, "--model.layers=7").model == Large(layers=7)

    def test_the_flags_are_those_of_the_model(self) -> None:
        assert parse("--model.scales=[[0.1, 0.2], [0.5]]").model == Small(
            scales=((0.1, 0.2), (0.5,))
        )
        with pytest.raises(ConfigError, match="layers"):
            parse("--model.layers=7")

    def test_by_file(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_text("epochs: 9\nmodel:\n  name: large\n  layers: 4\n")
        config = parse("--config", str(path))
        assert (config.model, config.epochs) == (Large(layers=4), 9)
        later = parse(f"--config={path}", "--model.layers=5")
        assert later.model == Large(layers=5)

    def test_unknown(self) -> None:
        with pytest.raises(ConfigError, match=r"--model.name huge; wanted small or large"):
            parse("--model.name=huge")

    def test_help_is_the_model_s(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            parse("--model.name=large", "--help")
        text = capsys.readouterr().out
        assert "Do something with a model." in text
        assert "Number of layers." in text
        assert "Sides of the anchors." not in text


class TestPlain:
    def test_there_and_back(self) -> None:
        config = Small(input_size=96, image_mean=(0.1, 0.2, 0.3), scales=((1.0, 2.0), (3.0,)))
        plain = json.loads(json.dumps(to_plain(config)))
        assert from_plain(Small, plain) == config

    def test_absent_field_has_its_default(self) -> None:
        plain = to_plain(Small(input_size=96))
        del plain["scales"]
        assert from_plain(Small, plain) == Small(input_size=96)

    def test_unknown_field(self) -> None:
        with pytest.raises(ConfigError, match=r"Small with depth; wanted only .*; use the"):
            from_plain(Small, {**to_plain(Small()), "depth": 3})

    @pytest.mark.parametrize(
        "values",
        [
            {"input_size": 3.5},
            {"input_size": True},
            {"rank": "four"},
            {"width": "medium"},
            {"scales": [1.0]},
            {"image_mean": [0.5, 0.5]},
        ],
    )
    def test_value_of_another_type(self, values: dict[str, object]) -> None:
        (name,) = values
        with pytest.raises(TypeError, match=f"^{name} is a "):
            from_plain(Small, values)

    def test_whole_number_for_a_float(self) -> None:
        assert from_plain(Small, {"image_std": [1, 1, 1]}).image_std == (1, 1, 1)


class TestModelConfig:
    def test_without_batch_norm(self) -> None:
        config = Small(input_size=96)
        assert config.without_batch_norm() == replace(config, batch_norm=False)

    def test_padding_is_the_mean_colour_in_bytes(self) -> None:
        assert ModelConfig(image_mean=(0.0, 0.5, 1.0)).padding == (0, 128, 255)

    @pytest.mark.parametrize(
        "changes",
        [
            {"input_size": 0},
            {"image_mean": (0.5, 0.5, 127.0)},
            {"image_std": (0.2, 0.0, 0.2)},
        ],
    )
    def test_refused(self, changes: dict[str, object]) -> None:
        (name,) = changes
        with pytest.raises(ConfigError, match=f"^--model.{name} "):
            ModelConfig(**changes)  # type: ignore[arg-type]

    @pytest.mark.parametrize("margin", [-0.1, 2.5, float("nan")])
    def test_margin_of_a_classifier(self, margin: float) -> None:
        with pytest.raises(ConfigError, match=r"^--model.face_margin"):
            ClassifierModelConfig(face_margin=margin)
