"""The questions that every command answers: as `fer-det COMMAND` and as its file in tools/."""

from __future__ import annotations

import dataclasses
import importlib
import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import pytest

from fer_det import __version__
from fer_det.cli.main import COMMANDS, MODULES, main

ROOT = Path(__file__).parents[2]
TOOLS = {path.stem: path for path in sorted((ROOT / "tools").glob("*.py")) if path.stem[0] != "_"}
COMMAND_OF = {
    name: re.findall(r'run_tool\("([a-z-]+)"\)', path.read_text("utf-8"))
    for name, path in TOOLS.items()
}

REQUIRED = {
    "convert-weights": ["vgg_face.mat", "--out=vgg_face.safetensors"],
    "calibrate": ["--weights=best.pth"],
    "clips": ["--weights=best.pth"],
    "compare": ["a.json", "b.json"],
    "eval": ["--weights=best.pth"],
    "export": ["--out=best.onnx"],
    "leaderboard": ["a.json"],
    "predict": ["photo.jpg"],
    "truncate-head": ["--weights=best.pth", "--out=thin.pth"],
}
"""Arguments without which a command cannot even print its configuration."""


@pytest.fixture(params=sorted(MODULES))
def command(request: pytest.FixtureRequest) -> str:
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
def module(command: str) -> ModuleType:
    return importlib.import_module(MODULES[command])


@pytest.fixture
def parsed(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[type[Any]]:
    """Fills with the classes whose fields are the command's flags."""
    seen: list[type[Any]] = []
    parse: Callable[..., Any] = module.parse_config

    def spy(config_class: type[Any], *more: Any, **named: Any) -> Any:
        seen.append(config_class)
        return parse(config_class, *more, **named)

    monkeypatch.setattr(module, "parse_config", spy)
    return seen


def help_of(argv: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*argv, "--help"])
    assert ended.value.code == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def flags_of(config_class: type[Any], prefix: str = "") -> Iterator[str]:
    """--a, --b.c, ... of a dataclass and of the dataclasses in it."""
    hints = get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        kind = hints.get(field.name, field.type)
        if dataclasses.is_dataclass(kind):
            assert isinstance(kind, type)
            yield from flags_of(kind, f"{prefix}{field.name}.")
        elif "positional" not in field.metadata:
            yield f"--{prefix}{field.name}"


def sentences(text: str) -> dict[str, str]:
    """What a help text says of each flag, without the default."""
    found: dict[str, str] = {}
    for entry in re.split(r"\n\s+(?=(?:-h, )?--)", text)[1:]:
        # The flag and its value's name, two spaces or a new line, and what is said of it.
        parts = re.match(r"(?:-h, )?--([\w.]+).*?(?: {2,}|\n)(.*)", entry, re.DOTALL)
        assert parts is not None, entry
        said = " ".join(parts[2].split("\n\n")[0].split())
        found[f"--{parts[1]}"] = re.sub(r"\(default: [^()]*\)$", "", said).strip()
    return found


class TestTable:
    def test_a_command_s_sentence_is_short_and_plain(self) -> None:
        for commands in COMMANDS.values():
            for name, (_, sentence) in commands.items():
                assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)
                assert re.fullmatch(r"[A-Z].{15,60}\.", sentence), sentence

    def test_help_lists_all_with_their_sentences(self, capsys: pytest.CaptureFixture[str]) -> None:
        for argv in ([], ["--help"], ["-h"]):
            assert main(argv) == 0
            text = capsys.readouterr().out
            for group, commands in COMMANDS.items():
                assert f"\n{group}:\n" in text
                for name, (_, sentence) in commands.items():
                    assert re.search(rf"^  {name} +{re.escape(sentence)}$", text, re.MULTILINE)

    def test_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["--version"]) == 0
        assert capsys.readouterr().out == f"fer-det {__version__}\n"

    @pytest.mark.parametrize(
        ("word", "told"),
        [
            ("trian", "unknown command trian; wanted a command, such as train; see fer-det --help"),
            ("build_voc", "wanted a command, such as build-voc"),
            ("Predict", "wanted a command, such as predict"),
            ("xyzzy", "unknown command xyzzy; wanted a command; see fer-det --help"),
            ("--data", "unknown command --data"),
        ],
    )
    def test_unknown_commands(
        self, word: str, told: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([word]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert_one_line(err)
        assert told in err

    def test_it_is_the_console_script_and_the_package_s_main(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        assert project["scripts"] == {"fer-det": "fer_det.cli.main:main"}
        argv = [sys.executable, "-m", "fer_det", "--version"]
        ended = subprocess.run(argv, capture_output=True, text=True, check=True)
        assert ended.stdout == f"fer-det {__version__}\n"

    def test_every_command_has_one_tool(self) -> None:
        assert sorted(COMMAND_OF.values()) == [[name] for name in sorted(MODULES)]


def test_help_imports_no_torch() -> None:
    code = (
        "import contextlib, io, sys\n"
        "from fer_det.cli.main import MODULES, main\n"
        "for name in MODULES:\n"
        "    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "        main([name, '--help'])\n"
        "    print(name, *{'torch', 'torchvision', 'jsonargparse'} & set(sys.modules))\n"
    )
    argv = [sys.executable, "-c", code]
    ended = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == list(MODULES)


class TestCommand:
    def test_help_says_something_of_every_flag(
        self, command: str, parsed: list[type[Any]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        told = sentences(help_of([command], capsys))
        (config_class,) = parsed
        flags = list(flags_of(config_class))
        assert flags
        for flag in flags:
            assert flag in told
            assert len(told[flag].split()) >= 3, (flag, told[flag])
            assert told[flag].endswith("."), (flag, told[flag])

    def test_help_opens_with_what_the_command_does(
        self, command: str, parsed: list[type[Any]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        told = " ".join(help_of([command], capsys).split())
        assert told.startswith(f"usage: fer-det {command} ")
        first = (parsed[0].__doc__ or "").strip().split("\n")[0]
        assert len(first.split()) >= 4
        assert first in told

    @pytest.mark.parametrize(
        "argv",
        [["--nonsense"], ["--nonsense=3"], ["-n"], ["--config=absent.yaml"]],
        ids=["switch", "value", "one dash", "file"],
    )
    def test_nonsense_is_one_line_and_exit_code_2(
        self,
        command: str,
        argv: list[str],
        capsys: pytest.CaptureFixture[str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert main([command, *argv]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert_one_line(err)
        assert list(tmp_path.iterdir()) == []

    def test_printed_config_is_a_file_of_its_flags(
        self, command: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as ended:
            main([command, *REQUIRED.get(command, []), "--print_config"])
        assert ended.value.code == 0
        assert re.search(r"^\w+: ", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(TOOLS))
class TestTool:
    def run(self, name: str, argv: list[str], monkeypatch: pytest.MonkeyPatch) -> int | str | None:
        """Run the file as python does, in this process; -> exit code."""
        path = TOOLS[name]
        monkeypatch.setattr(sys, "argv", [str(path), *argv])
        monkeypatch.syspath_prepend(str(path.parent))
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(path), run_name="__main__")
        return ended.value.code

    def test_help(
        self, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(name, ["--help"], monkeypatch) == 0
        out, err = capsys.readouterr()
        assert out.startswith(f"usage: {name}.py ")
        assert err == ""

    def test_nonsense(
        self, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(name, ["--nonsense"], monkeypatch) == 2
        err = capsys.readouterr().err
        assert_one_line(err)
        assert f"{name}.py" in err


def assert_one_line(err: str) -> None:
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert "wanted" in err
