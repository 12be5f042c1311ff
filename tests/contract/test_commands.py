"""The questions that every command answers, as a console script and as its file in tools/."""

from __future__ import annotations

import dataclasses
import importlib
import re
import runpy
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = {path.stem: path for path in sorted((ROOT / "tools").glob("*.py")) if path.stem[0] != "_"}
SCRIPTS = dict(
    re.findall(r'"(fer-det-[a-z-]+) = ([\w.]+):main"', (ROOT / "setup.py").read_text("utf-8"))
)

REQUIRED = {
    "convert_weights": ["vgg_face.mat", "--out=vgg_face.safetensors"],
    "calibrate": ["--weights=best.pth"],
    "compare": ["a.json", "b.json"],
    "eval_rafdb": ["--weights=best.pth"],
    "predict": ["photo.jpg"],
    "truncate_head": ["--weights=best.pth", "--out=thin.pth"],
}
"""Flags without which a command cannot even print its configuration."""


@pytest.fixture(params=sorted(SCRIPTS.values()))
def module(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


@pytest.fixture
def told_config(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[type[Any]]:
    """Fills with the classes whose fields are the command's flags."""
    seen: list[type[Any]] = []
    parse: Callable[..., Any] = module.parse_config

    def spy(config_class: type[Any], prog: str, argv: Sequence[str] | None) -> Any:
        seen.append(config_class)
        return parse(config_class, prog, argv)

    monkeypatch.setattr(module, "parse_config", spy)
    return seen


def help_of(main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
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
    """What a help text says of each flag, without type and default."""
    found: dict[str, str] = {}
    for entry in re.split(r"\n\s+(?=(?:-h, )?--)", text)[1:]:
        # The flag and its value's name, two spaces or a new line, and what is said of it.
        parts = re.match(r"(?:-h, )?--([\w.]+).*?(?: {2,}|\n)(.*)", entry, re.DOTALL)
        assert parts is not None, entry
        said = " ".join(parts[2].split("\n\n")[0].split())
        found[f"--{parts[1]}"] = re.sub(r"\((?:required, )?type: .*\)$", "", said).strip()
    return found


def test_each_tool_is_a_console_script_and_the_other_way_round() -> None:
    assert TOOLS
    assert {f"fer-det-{name.replace('_', '-')}" for name in TOOLS} == set(SCRIPTS)
    for name, path in TOOLS.items():
        target = SCRIPTS[f"fer-det-{name.replace('_', '-')}"]
        assert f"from {target} import main" in path.read_text("utf-8")


class TestCommand:
    def test_help_says_something_of_every_flag(
        self,
        module: ModuleType,
        told_config: list[type[Any]],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        told = sentences(help_of(module.main, capsys))
        (config_class,) = told_config
        flags = list(flags_of(config_class))
        assert len(flags) > 2
        for flag in flags:
            assert flag in told
            assert len(told[flag].split()) >= 3, (flag, told[flag])
            assert told[flag].endswith("."), (flag, told[flag])

    def test_help_opens_with_what_the_command_does(
        self,
        module: ModuleType,
        told_config: list[type[Any]],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        told = " ".join(help_of(module.main, capsys).split())
        assert told.startswith("usage: ")
        first = (told_config[0].__doc__ or "").strip().split("\n")[0]
        assert len(first.split()) >= 4
        assert first in told

    @pytest.mark.parametrize(
        "argv",
        [["--nonsense"], ["--nonsense=3"], ["stray"], ["--config=absent.yaml"]],
        ids=["switch", "value", "stray", "file"],
    )
    def test_nonsense_is_one_line_and_exit_code_2(
        self,
        module: ModuleType,
        argv: list[str],
        capsys: pytest.CaptureFixture[str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert module.main(argv) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert_one_line(err)
        assert list(tmp_path.iterdir()) == []

    def test_printed_config_is_a_file_of_its_flags(
        self, module: ModuleType, capsys: pytest.CaptureFixture[str]
    ) -> None:
        required = REQUIRED.get(module.__name__.rpartition(".")[2], [])
        with pytest.raises(SystemExit) as ended:
            module.main([*required, "--print_config"])
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
        assert out.startswith(f"usage: {name}")
        assert err == ""

    def test_nonsense(
        self, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(name, ["--nonsense"], monkeypatch) == 2
        assert_one_line(capsys.readouterr().err)


def assert_one_line(err: str) -> None:
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert "wanted" in err
