from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fer_det.config.command import parse_config, run_command
from fer_det.errors import ConfigError, ImageError


@dataclass(frozen=True)
class Lamp:
    """The light."""

    power: float = 1.0
    """Watts."""


@dataclass(frozen=True)
class Config:
    """Look for faces in a folder."""

    folder: Path
    """The folder to look in."""
    size: int = 224
    """Pixels of the shorter side."""
    quick: bool = False
    """Look only once."""
    lamp: Lamp = field(default_factory=Lamp)

    def __post_init__(self) -> None:
        if self.size < 16:
            raise ConfigError(f"--size {self.size}", "16 or more", "choose a larger size")


def command_with(seen: list[Config]) -> Callable[[Sequence[str] | None], int]:
    def command(argv: Sequence[str] | None) -> int:
        seen.append(parse_config(Config, "look", argv))
        return 0

    return command


class TestFlags:
    def test_become_a_config_with_its_types(self) -> None:
        config = parse_config(Config, "look", ["--folder=a b", "--size", "96", "--lamp.power=3"])
        assert config == Config(Path("a b"), size=96, lamp=Lamp(3.0))
        assert isinstance(config.lamp, Lamp)

    @pytest.mark.parametrize(
        ("flags", "quick"),
        [
            ([], False),
            (["--quick"], True),
            (["--quick", "--size=32"], True),
            (["--quick", "true"], True),
            (["--quick=false"], False),
        ],
    )
    def test_switch_stands_alone_or_with_its_word(self, flags: list[str], quick: bool) -> None:
        assert parse_config(Config, "look", ["--folder=a", *flags]).quick is quick

    def test_yaml_and_later_flags(self, tmp_path: Path) -> None:
        path = tmp_path / "look.yaml"
        path.write_text("folder: faces\nsize: 64\nlamp:\n  power: 2.5\n")
        config = parse_config(Config, "look", [f"--config={path}", "--size=128"])
        assert config == Config(Path("faces"), size=128, lamp=Lamp(2.5))

    def test_printed_config_can_be_given_back(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as ended:
            parse_config(Config, "look", ["--folder=faces", "--size=64", "--print_config"])
        assert ended.value.code == 0
        path = tmp_path / "printed.yaml"
        path.write_text(capsys.readouterr().out)
        assert parse_config(Config, "look", ["--config", str(path)]) == Config(Path("faces"), 64)

    def test_help_holds_every_sentence(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            parse_config(Config, "look", ["--help"])
        assert ended.value.code == 0
        told = " ".join(capsys.readouterr().out.split())
        for sentence in (
            "usage: look",
            "Look for faces in a folder.",
            "The folder to look in.",
            "Pixels of the shorter side.",
            "default: 224",
            "Look only once.",
            "--lamp.power",
            "Watts.",
            "YAML file of flags",
        ):
            assert sentence in told


@dataclass(frozen=True)
class Words:
    """Look for faces in many places."""

    places: tuple[str, ...] = field(metadata={"positional": "PLACE"})
    """Where to look."""
    size: int = 224
    """Pixels of the shorter side."""


class TestWords:
    @pytest.mark.parametrize(
        "flags",
        [
            ["a.jpg", "[b,c]", "-", "0", "null", "--size=3"],
            ["--size=3", "a.jpg", "[b,c]", "-", "0", "null"],
        ],
    )
    def test_stand_without_a_flag_and_mean_themselves(self, flags: list[str]) -> None:
        wanted = ("a.jpg", "[b,c]", "-", "0", "null")
        assert parse_config(Words, "look", flags) == Words(wanted, size=3)

    def test_from_a_file_unless_typed(self, tmp_path: Path) -> None:
        path = tmp_path / "look.yaml"
        path.write_text("places: [a, b]\nsize: 5\n")
        assert parse_config(Words, "look", [f"--config={path}"]) == Words(("a", "b"), 5)
        assert parse_config(Words, "look", [f"--config={path}", "c"]) == Words(("c",), 5)

    def test_none_is_a_mistake(self) -> None:
        with pytest.raises(ConfigError, match="places"):
            parse_config(Words, "look", ["--size=3"])

    def test_help_names_them(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            parse_config(Words, "look", ["--help"])
        told = " ".join(capsys.readouterr().out.split())
        assert "PLACE [PLACE ...]" in told
        assert "Where to look." in told


class TestMistakes:
    @pytest.mark.parametrize(
        ("flags", "told"),
        [
            ([], "folder"),
            (["--folder=a", "--siez=3"], "--siez"),
            (["--folder=a", "--size=large"], "size"),
            (["--folder=a", "--size"], "--size"),
            (["--folder=a", "--size=3"], "--size 3; wanted 16 or more; choose a larger size"),
            (["--folder=a", "--lamp.power=bright"], "lamp.power"),
            (["--folder=a", "--lamp.colour=red"], "lamp.colour"),
            (["--folder=a", "--quick=perhaps"], "quick"),
            (["--folder=a", "stray"], "stray"),
            (["--config=absent.yaml"], "absent.yaml"),
        ],
    )
    def test_one_line_on_stderr_and_exit_code_2(
        self, flags: list[str], told: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        seen: list[Config] = []
        assert run_command(command_with(seen), flags) == 2
        out, err = capsys.readouterr()
        assert (out, seen) == ("", [])
        assert err.startswith("error: ")
        assert err.endswith("\n")
        assert err.count("\n") == 1
        assert told in err

    @pytest.mark.parametrize(
        "text", ["folder: a\nsiez: 3\n", "folder: [\n", "- a\n- b\n", "folder: a\nsize: x\n", "\0"]
    )
    def test_wrong_yaml(
        self, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "wrong.yaml"
        path.write_text(text)
        assert run_command(command_with([]), [f"--config={path}"]) == 2
        assert capsys.readouterr().err.count("\n") == 1


class TestRun:
    def test_well(self) -> None:
        seen: list[Config] = []
        assert run_command(command_with(seen), ["--folder=a"]) == 0
        assert seen == [Config(Path("a"))]

    def test_user_s_mistake(self, capsys: pytest.CaptureFixture[str]) -> None:
        def command(argv: Sequence[str] | None) -> int:
            raise ImageError("a.jpg is\nempty", "a picture", "replace it")

        assert run_command(command, []) == 2
        assert capsys.readouterr().err == "error: a.jpg is empty; wanted a picture; replace it\n"

    def test_ctrl_c(self, capsys: pytest.CaptureFixture[str]) -> None:
        def command(argv: Sequence[str] | None) -> int:
            raise KeyboardInterrupt

        assert run_command(command, []) == 130
        assert capsys.readouterr().err.startswith("interrupted: ")

    def test_our_own_mistakes_are_not_hidden(self) -> None:
        def command(argv: Sequence[str] | None) -> int:
            raise AssertionError("ours")

        with pytest.raises(AssertionError, match="ours"):
            run_command(command, [])
