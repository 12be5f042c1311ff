from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest
from fake_data.spots import draw_spot

import made_faces.make
from made_faces.cli import main
from made_faces.make import make_faces

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _spots(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = partial(make_faces, maker=draw_spot)
    monkeypatch.setattr(made_faces.make, "make_faces", fake)


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, list[str], str]:
    """(exit code, lines on stdout, the last line on stderr)."""
    code = main([*argv, "--workers", "0"])
    out, err = capsys.readouterr()
    return code, out.splitlines(), (err.splitlines() or [""])[-1]


def test_prints_a_summary_and_a_caution(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, lines, _ = run(capsys, "--out", str(tmp_path), "--images", "21")
    assert code == 0
    assert lines == [
        f"{tmp_path / 'rafdb'}: 21 photos of 11 identities in RAF-DB's layout,"
        " 14 to train and 7 to test on",
        "scores on made faces check that everything works and say nothing about people",
    ]
    assert not (tmp_path / "ckplus").exists()


def test_other_settings_are_an_error_of_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(capsys, "--out", str(tmp_path), "--images", "14")[0] == 0
    code, lines, error = run(capsys, "--out", str(tmp_path), "--images", "21")
    assert (code, lines) == (2, [])
    assert error == (
        f"error: {tmp_path / 'rafdb'} holds faces made with images 14; wanted images 21;"
        " choose another --out, or replace what is there with --overwrite"
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
class TestMakefile:
    def commands(self, *goal: str) -> list[str]:
        """Return the commands that make would run."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        for name in ("RAFDB", "CKPLUS", "OUT", "MADE", "IMAGES", "SEED", "ARGS"):
            own.pop(name, None)
        lines = subprocess.run(
            ["make", "-n", *goal], cwd=ROOT, env=own, capture_output=True, text=True, check=True
        )
        return [
            line for line in lines.stdout.splitlines() if "tools/" in line or "using made" in line
        ]

    def test_voc_without_data_set_makes_faces_and_reports_it(self) -> None:
        said, made, built = self.commands("voc", "IMAGES=200", "OUT=out", "ARGS=--boxes official")
        assert "no RAFDB= or CKPLUS= given: using made faces in data/made" in said
        assert "say nothing about people" in said
        assert made.endswith("tools/make_faces.py --out 'data/made' --images 200 --seed 0")
        assert "--rafdb 'data/made/rafdb' --out 'out' --boxes official" in built

    @pytest.mark.parametrize("name", ["RAFDB", "CKPLUS"])
    def test_voc_of_a_data_set_makes_none(self, name: str) -> None:
        (built,) = self.commands("voc", f"{name}=real")
        assert f"--{name.lower()} 'real'" in built

    def test_faces(self) -> None:
        (made,) = self.commands("faces", "MADE=there", "SEED=4", "ARGS=--layout both")
        assert made.endswith("--out 'there' --images 1000 --seed 4 --layout both")
