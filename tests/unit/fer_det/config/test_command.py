import os
from collections.abc import Sequence
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from fer_det.config.command import parse_config
from fer_det.errors import ConfigError
from fer_det.runtime.command import PROGRAM


@dataclass(frozen=True)
class Lamp:
    """The light. It shines on all pictures."""

    power: float = 1.0
    """Watts."""
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Red, green and blue."""


@dataclass(frozen=True)
class Base:
    """Settings of several commands."""

    seed: int = 0
    """Start of all random numbers."""


@dataclass(frozen=True, kw_only=True)
class Config(Base):
    """Look for faces in a folder."""

    lamp: Lamp = field(default_factory=lambda: Lamp(power=0.5))
    size: int = 224
    """Pixels of the shorter side; 50 % is enough."""
    quick: bool = False
    """Look only once."""
    out: Path | None = None
    """Folder to write,
    none by default."""
    kinds: tuple[str, ...] = ()
    """Kinds of faces."""
    order: Literal["up", "down"] | int = "up"
    """Which comes first."""
    folder: Path
    """The folder to look in."""

    def __post_init__(self) -> None:
        if self.size < 16:
            raise ConfigError(f"--size {self.size}", "16 or more", "choose a larger size")


@dataclass(frozen=True)
class Words:
    """Look for faces in many places."""

    places: tuple[str, ...] = field(metadata={"positional": "PLACE"})
    """Where to look."""
    size: int = 224
    """Pixels of the shorter side."""
    quick: bool = False
    """Look only once."""


@dataclass(frozen=True)
class OneWord:
    """Convert a file."""

    source: Path = field(metadata={"positional": "FILE"})
    """File to convert."""


def parse(*argv: str, config_class: type[Any] = Config, **more: Any) -> Any:
    return parse_config(config_class, "look", list(argv), **more)


def refused(*argv: str, config_class: type[Any] = Config, **more: Any) -> str:
    with pytest.raises(ConfigError) as error:
        parse(*argv, config_class=config_class, **more)
    assert "\n" not in str(error.value)
    return str(error.value)


def printed(capsys: pytest.CaptureFixture[str], *argv: str, **more: Any) -> str:
    """What a command line prints that ends the process well."""
    with pytest.raises(SystemExit) as ended:
        parse(*argv, **more)
    assert ended.value.code == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


class TestFlags:
    def test_become_a_config_with_its_types(self) -> None:
        config = parse("--folder=a b", "--size", "96", "--lamp.power=3", "--order=2")
        assert (config.folder, config.size, config.order) == (Path("a b"), 96, 2)
        assert config.lamp == Lamp(3.0)
        assert (config.seed, config.quick, config.out, config.kinds) == (0, False, None, ())

    def test_a_group_s_defaults_are_those_of_its_field(self) -> None:
        assert parse("--folder=a").lamp == Lamp(power=0.5)

    @pytest.mark.parametrize(
        ("flags", "quick"),
        [
            ([], False),
            (["--quick"], True),
            (["--quick", "--size=32"], True),
            (["--quick", "true"], True),
            (["--quick", "No"], False),
            (["--quick=false"], False),
        ],
    )
    def test_a_switch_stands_alone_or_with_its_value(self, flags: list[str], quick: bool) -> None:
        assert parse("--folder=a", *flags).quick is quick

    @pytest.mark.parametrize("name", ["print_config", "print-config"])
    def test_dash_and_underscore_are_the_same(
        self, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        made = make_dataclass("Made", [("batch_size", int, field(default=1))], frozen=True)
        for flag in ("--batch-size", "--batch_size"):
            assert parse(f"{flag}=3", config_class=made).batch_size == 3
            assert parse(flag, "3", config_class=made).batch_size == 3
        assert printed(capsys, f"--{name}", config_class=made) == "batch_size: 1\n"

    @pytest.mark.parametrize("value", ["happy,angry", "[happy,angry]"])
    def test_lists(self, value: str) -> None:
        assert parse("--folder=a", f"--kinds={value}").kinds == ("happy", "angry")

    def test_numbers_of_a_list(self) -> None:
        assert parse("--folder=a", "--lamp.colour", "0.1,0.2,1").lamp.colour == (0.1, 0.2, 1.0)

    def test_null_is_none_where_none_is_allowed(self) -> None:
        assert parse("--folder=a", "--out=b", "--out=null").out is None

    def test_a_path_may_hold_any_bytes(self) -> None:
        name = os.fsdecode(b"caf\xe9: [1]")
        assert parse(f"--folder={name}", "--out", name).folder == Path(name)
        assert parse(name, config_class=Words).places == (name,)

    def test_home_folder_that_the_shell_left_alone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", "/home/me")
        assert parse("--folder=~/faces").folder == Path("/home/me/faces")
        (tmp_path / "~").mkdir()
        assert parse("--folder", "~").folder == Path("~")


class TestFiles:
    def write(self, folder: Path, text: str) -> str:
        path = folder / "look.yaml"
        path.write_text(text)
        return f"--config={path}"

    def test_later_settings_win(self, tmp_path: Path) -> None:
        given = self.write(tmp_path, "folder: faces\nsize: 64\nlamp:\n  power: 2.5\n")
        assert parse(given, "--size=128").size == 128
        assert parse("--size=128", given).size == 64
        config = parse(given)
        assert (config.folder, config.lamp) == (Path("faces"), Lamp(2.5))

    @pytest.mark.parametrize("nothing", ["null", "~", ""])
    def test_values_are_what_flags_would_be(self, tmp_path: Path, nothing: str) -> None:
        text = f"folder: 2024-01-01\nkinds: [yes, 3, a b]\nquick: yes\nsize: '32'\nout: {nothing}\n"
        config = parse("--out=b", self.write(tmp_path, text))
        assert config.folder == Path("2024-01-01")
        assert config.kinds == ("yes", "3", "a b")
        assert (config.quick, config.size, config.out) == (True, 32, None)

    def test_dashes_in_names(self, tmp_path: Path) -> None:
        made = make_dataclass("Made", [("batch_size", int, field(default=1))], frozen=True)
        assert parse(self.write(tmp_path, "batch-size: 3"), config_class=made).batch_size == 3

    def test_printed_config_can_be_given_back(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = printed(capsys, "--folder=faces", "--size=64", "--kinds=a,b", "--print_config")
        config = parse(self.write(tmp_path, text))
        assert (config.folder, config.size, config.kinds) == (Path("faces"), 64, ("a", "b"))
        assert (config.out, config.lamp) == (None, Lamp(power=0.5))

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("folder: a\nsiez: 3\n", "unknown setting siez in "),
            ("folder: a\nsiez: 3\n", "wanted size, the nearest known one"),
            ("folder: a\nlamp:\n  pwr: 3\n", "wanted lamp.power"),
            ("folder: a\nlamp: 3\n", "lamp: 3 in "),
            ("folder: a\nsize: x\n", "--size x in "),
            ("folder: a\nsize: null\n", "wanted a whole number"),
            ("folder: a\nsize:\n  b: 3\n", "wanted a whole number"),
            ("folder: a\nsize: 1.5\n", "wanted a whole number"),
            ("folder: a\nlamp:\n  colour: [1, 2]\n", "wanted 3 numbers separated by commas"),
        ],
    )
    def test_wrong_settings(self, text: str, told: str, tmp_path: Path) -> None:
        assert told in refused(self.write(tmp_path, text))


class TestWords:
    @pytest.mark.parametrize(
        "argv",
        [
            ["a.jpg", "[b,c]", "-", "0", "null", "--size=3", "--quick", "d"],
            ["--size=3", "--quick", "a.jpg", "[b,c]", "-", "0", "null", "d"],
            ["--size=3", "--quick", "--", "a.jpg", "[b,c]", "-", "0", "null", "d"],
        ],
    )
    def test_need_no_flag_and_are_taken_as_they_are(self, argv: list[str]) -> None:
        config = parse(*argv, config_class=Words)
        assert config == Words(("a.jpg", "[b,c]", "-", "0", "null", "d"), size=3, quick=True)

    def test_after_two_dashes_nothing_is_a_flag(self) -> None:
        assert parse("--", "-a", "--help", config_class=Words).places == ("-a", "--help")

    def test_from_a_file_unless_typed(self, tmp_path: Path) -> None:
        path = tmp_path / "look.yaml"
        path.write_text("places: [a, b]\nsize: 5\n")
        assert parse(f"--config={path}", config_class=Words) == Words(("a", "b"), 5)
        assert parse(f"--config={path}", "c", config_class=Words) == Words(("c",), 5)

    def test_one_word_of_a_type(self) -> None:
        assert parse("a.pth", config_class=OneWord).source == Path("a.pth")
        assert parse("--source=a.pth", config_class=OneWord).source == Path("a.pth")
        assert "'b' without a flag" in refused("a", "b", config_class=OneWord)

    def test_none_is_refused(self) -> None:
        assert "PLACE is missing; wanted a PLACE, or more" in refused(config_class=Words)

    def test_a_file_that_looks_like_a_flag(self) -> None:
        told = refused("-dash.jpg", config_class=Words)
        assert "unknown flag -dash.jpg; wanted flags with two dashes, or ./-dash.jpg" in told


class TestRefused:
    @pytest.mark.parametrize(
        ("argv", "told"),
        [
            ([], "look: --folder is missing; wanted --folder PATH; see look --help"),
            (["--folder=a", "--siez=3"], "look: unknown flag --siez; wanted --size"),
            (["--folder=a", "--siz", "3"], "unknown flag --siz; wanted --size"),
            (["--folder=a", "--powre=3"], "unknown flag --powre; wanted "),
            (["--folder=a", "--power=3"], "unknown flag --power; wanted --lamp.power"),
            (["--folder=a", "--lamp.colr=red"], "unknown flag --lamp.colr; wanted --lamp.colour"),
            (["--folder=a", "--no-quick"], "unknown flag --no-quick; wanted --quick false"),
            (["--folder=a", "-s", "3"], "unknown flag -s; wanted one that --help lists"),
            (["--folder=a", "--zzzzzz"], "unknown flag --zzzzzz; wanted one that --help lists"),
            (["--folder=a", "--size=large"], "look: --size large; wanted a whole number; see look"),
            (["--folder=a", "--size=3.5"], "--size 3.5; wanted a whole number"),
            (["--folder=a", f"--size={'9' * 5000}"], f"--size {'9' * 80}...; wanted a whole"),
            (["--folder=a", "--size"], "--size without a value; wanted a whole number"),
            (["--folder", "--size=3"], "--folder without a value; wanted a path"),
            (["--config"], "--config without a value; wanted a YAML file"),
            (["--folder="], "--folder ''; wanted a path"),
            (["--folder=a", "--size=3"], "--size 3; wanted 16 or more; choose a larger size"),
            (["--folder=a", "--lamp.power=bright"], "--lamp.power bright; wanted a number"),
            (["--folder=a", "--quick=perhaps"], "--quick perhaps; wanted true or false"),
            (["--folder=a", "--order=left"], "wanted up or down or a whole number"),
            (["--folder=a", "stray"], "'stray' without a flag; wanted a flag before it, such as"),
            (["stray"], "such as --folder stray"),
            (["--config=absent.yaml"], "--config absent.yaml, which is absent"),
        ],
    )
    def test_in_one_line(self, argv: Sequence[str], told: str) -> None:
        assert told in refused(*argv)


class TestHelp:
    def test_holds_every_sentence_and_default_and_no_types(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = printed(capsys, "--help")
        joined = " ".join(text.split())
        for sentence in (
            "usage: look --folder PATH [--FLAG VALUE ...]",
            "Look for faces in a folder.",
            "--folder PATH The folder to look in.",
            "Pixels of the shorter side; 50 % is enough. (default: 224)",
            "--quick [true|false] Look only once. (default: false)",
            "--out PATH Folder to write, none by default. --",
            "--order up|down|N Which comes first. (default: up)",
            "The light: --lamp.power X Watts. (default: 0.5)",
            "--lamp.colour X,X,X Red, green and blue. (default: 1.0,1.0,1.0)",
            "YAML file of settings",
        ):
            assert sentence in joined
        for noise in ("type", "Path", "float", "null", "It shines", "MISSING"):
            assert noise not in text

    def test_required_first_then_own_then_inherited_then_groups(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = printed(capsys, "-h")
        order = ["required:", "--folder", "settings:", "--size", "--seed", "The light:", "other:"]
        places = [text.index(f"\n{'' if each[-1] == ':' else '  '}{each}") for each in order]
        assert places == sorted(places)

    def test_of_words(self, capsys: pytest.CaptureFixture[str]) -> None:
        text = " ".join(printed(capsys, "--help", config_class=Words).split())
        assert "usage: look PLACE ... [--FLAG VALUE ...]" in text
        assert "arguments: PLACE Where to look." in text

    def test_a_made_field_has_its_sentence_in_the_metadata(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        own = field(default=None, metadata={"help": "Folder of the set."})
        made = make_dataclass("Made", [("jaffe", Path | None, own)], bases=(Base,), frozen=True)
        text = " ".join(printed(capsys, "--help", config_class=made).split())
        assert "--jaffe PATH Folder of the set. --seed N Start of all random numbers." in text

    def test_program_that_was_typed(self, capsys: pytest.CaptureFixture[str]) -> None:
        token = PROGRAM.set("fer-det look")
        try:
            assert printed(capsys, "--help").startswith("usage: fer-det look ")
            assert refused("--nonsense").startswith("fer-det look: unknown flag")
        finally:
            PROGRAM.reset(token)


@dataclass(frozen=True)
class Model:
    """The network."""

    name: str = ""
    """Which one."""
    size: int = 224
    """Side of the input."""


@dataclass(frozen=True)
class Large(Model):
    """The large network."""

    name: str = "large"
    """Which one."""
    width: int = 4096
    """Width of the head."""


@dataclass(frozen=True)
class Small(Model):
    """The small network."""

    name: str = "small"
    """Which one."""
    size: int = 96
    """Side of the input."""
    depth: int = 3
    """Layers."""


@dataclass(frozen=True)
class Train:
    """Train a model."""

    model: Model = field(default_factory=Model)
    epochs: int = 3
    """Passes over the data."""


def choose_model(name: str | None) -> type[Model]:
    models: dict[str, type[Model]] = {"large": Large, "small": Small}
    if name not in (None, *models):
        raise ConfigError(f"--model.name {name}", "large or small", "change the flag")
    return models[name or "large"]


class TestChosenModel:
    """A group whose dataclass depends on its name."""

    def parse(self, *argv: str) -> Model:
        model = parse(*argv, config_class=Train, choose={"model": choose_model}).model
        assert isinstance(model, Model)
        return model

    def test_the_default(self) -> None:
        assert self.parse() == Large()
        assert self.parse("--model.width=8", "--epochs=1") == Large(width=8)

    @pytest.mark.parametrize("argv", [["--model.name", "small"], ["--model.name=small"]])
    def test_by_a_flag(self, argv: list[str]) -> None:
        assert self.parse(*argv, "--model.depth=5") == Small(depth=5)

    def test_by_a_file_unless_a_later_flag_says_otherwise(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_text("model:\n  name: small\n  size: 64\n")
        assert self.parse(f"--config={path}") == Small(size=64)
        assert self.parse("--config", str(path), "--model.depth=2") == Small(size=64, depth=2)
        assert self.parse("--model.name=large", "--config", str(path)) == Small(size=64)
        assert self.parse("--config", str(path), "--model.name=large") == Large(size=64)

    def test_flags_of_another_model_are_unknown(self) -> None:
        told = refused("--model.depth=2", config_class=Train, choose={"model": choose_model})
        assert "unknown flag --model.depth" in told

    def test_unknown_names_are_the_chooser_s_affair(self) -> None:
        told = refused("--model.name=huge", config_class=Train, choose={"model": choose_model})
        assert told == "--model.name huge; wanted large or small; change the flag"

    def test_help_lists_the_flags_of_the_chosen_one(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        argv = ["--model.name=small", "--help"]
        text = printed(capsys, *argv, config_class=Train, choose={"model": choose_model})
        assert "The small network:" in text
        assert "--model.depth" in text
        assert "--model.width" not in text

    def test_printed_config_names_it(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        argv = ["--model.name=small", "--model.depth=7", "--print_config"]
        text = printed(capsys, *argv, config_class=Train, choose={"model": choose_model})
        (tmp_path / "a.yaml").write_text(text)
        assert self.parse(f"--config={tmp_path / 'a.yaml'}") == Small(depth=7)
