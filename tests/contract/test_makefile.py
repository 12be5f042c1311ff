"""What the Makefile's targets call: any path arrives as it was given, and data sets as flags."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from voc_builder.readers import READERS

ROOT = Path(__file__).parents[2]
ODD = [
    "my data/RAF DB",
    "o'neil/RAF",
    "cash$x/$(RAF)",
    "no#1/RAF",
    "ünï/RAF",
    '"q" \\ `id`',
    "~/plain",
    "a,b;c)(",
]
VARIABLES = (*(name.upper() for name in READERS), "OUT", "MADE", "IMAGES", "SEED", "ARGS", "RUNS")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")

RECORDER = """#!/bin/sh
exec {python} -c 'import json, sys; print("called", json.dumps(sys.argv[1:]))' "$@"
"""


@pytest.fixture
def called(tmp_path: Path) -> Make:
    return Make(tmp_path / "venv")


class Make:
    """make with a python that only tells its arguments."""

    def __init__(self, venv: Path) -> None:
        self._venv = venv
        python = venv / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(RECORDER.format(python=shutil.which("python3")))
        python.chmod(0o755)
        (venv / "installed").touch()
        self.said = ""

    def __call__(self, *goal: str) -> list[list[str]]:
        """The calls of python, each as its tool's name and its flags."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        own = {name: value for name, value in kept.items() if name not in VARIABLES}
        argv = ["make", "-s", f"VENV={self._venv}", "-o", "venv", *goal]
        ended = subprocess.run(argv, cwd=ROOT, env=own, capture_output=True, text=True, check=True)
        self.said = ended.stdout
        lines = [line for line in ended.stdout.splitlines() if line.startswith("called ")]
        calls = [json.loads(line.removeprefix("called ")) for line in lines]
        return [[Path(tool).stem, *flags] for tool, *flags in calls]


class TestVoc:
    def test_without_a_data_set_made_faces_are_used_and_that_is_said(self, called: Make) -> None:
        made, built = called("voc", "IMAGES=200", "OUT=out", "ARGS=--boxes official")
        assert "using made faces" in called.said
        assert "say nothing about people" in called.said
        assert made == ["make_faces", "--out", "data/made", "--images", "200", "--seed", "0"]
        wanted = ["build_voc", "--rafdb", "data/made/rafdb", "--out", "out", "--boxes", "official"]
        assert built == wanted

    @pytest.mark.parametrize("name", sorted(READERS))
    def test_each_data_set_has_its_variable(self, called: Make, name: str) -> None:
        assert called("voc", f"{name.upper()}=real") == [
            ["build_voc", f"--{name}", "real", "--out", "data/voc"]
        ]

    def test_several_data_sets(self, called: Make) -> None:
        ((tool, *flags),) = called("voc", "CKPLUS=b c", "RAFDB=a")
        assert tool == "build_voc"
        pairs = set(zip(flags[::2], flags[1::2], strict=True))
        assert pairs == {("--rafdb", "a"), ("--ckplus", "b c"), ("--out", "data/voc")}

    @pytest.mark.parametrize(
        "args",
        ["--ckplus real", "--ckplus=real", "--boxes official --rafdb 'a b'", "--config x.yaml"],
    )
    def test_a_data_set_in_args_is_one_too(self, called: Make, args: str) -> None:
        ((tool, *flags),) = called("voc", f"ARGS={args}")
        assert tool == "build_voc"
        assert flags[:2] == ["--out", "data/voc"]
        assert "made faces" not in called.said

    def test_options_of_a_data_set_are_none(self, called: Make) -> None:
        calls = called("voc", "ARGS=--rafdb_options.images aligned")
        assert [tool for tool, *_ in calls] == ["make_faces", "build_voc"]


@pytest.mark.parametrize("path", ODD)
class TestAnyPath:
    def test_of_a_data_set_and_an_output(self, called: Make, path: str) -> None:
        assert called("voc", f"RAFDB={path}", f"OUT=out of {path}") == [
            ["build_voc", "--rafdb", path, "--out", f"out of {path}"]
        ]

    @pytest.mark.parametrize(
        ("goal", "variable", "flag"),
        [
            ("faces", "MADE", "--out"),
            ("balance", "OUT", "--data"),
            ("balance", "BALANCED", "--out"),
            ("check", "OUT", "--data"),
            ("train", "OUT", "--data"),
        ],
    )
    def test_of_other_targets(
        self, called: Make, path: str, goal: str, variable: str, flag: str
    ) -> None:
        ((_, *flags),) = called(goal, f"{variable}={path}")
        assert flags[flags.index(flag) + 1] == path


def test_args_are_words_of_the_shell(called: Make) -> None:
    ((_, *flags),) = called("faces", "MADE=there", "SEED=4", "ARGS=--layout both --a 'b c$d'")
    wanted = ["--out", "there", "--images", "1000", "--seed", "4", "--layout", "both"]
    assert flags == [*wanted, "--a", "b c$d"]


def test_runs_that_are_compared(called: Make) -> None:
    assert called("compare", "RUNS=a.json 'b c.json'") == [["compare", "a.json", "b c.json"]]


def test_help_lists_every_target(called: Make) -> None:
    called("help")
    listed = [line.split()[1] for line in called.said.splitlines()]
    phony = next(
        line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY")
    )
    assert sorted(listed) == sorted(phony.split()[1:])
