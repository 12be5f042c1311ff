from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from fake_data.spots import draw_spot

import made_faces.make
from made_faces.cli import main
from made_faces.make import make_faces


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
