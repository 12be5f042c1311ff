from functools import partial
from pathlib import Path

import pytest
from fake_data.spots import draw_spot

import made_faces.cli
from made_faces.cli import main
from made_faces.make import make_faces


@pytest.fixture(autouse=True)
def _spots(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = partial(make_faces, maker=draw_spot)
    monkeypatch.setattr(made_faces.cli, "make_faces", fake)


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, list[str], str]:
    """(exit code, lines on stdout, the last line on stderr)."""
    code = main([*argv, "--workers", "0"])
    out, err = capsys.readouterr()
    return code, out.splitlines(), (err.splitlines() or [""])[-1]


def test_says_what_was_made_and_what_it_is_worth(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, told, _ = run(capsys, "--out", str(tmp_path), "--images", "21")
    assert code == 0
    assert told == [
        f"{tmp_path / 'rafdb'}: 21 photos of 11 people in RAF-DB's layout,"
        " 14 to train and 7 to test on",
        "scores on made faces check that everything works and say nothing about people",
    ]
    assert not (tmp_path / "ckplus").exists()


def test_other_settings_are_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(capsys, "--out", str(tmp_path), "--images", "14")[0] == 0
    code, told, error = run(capsys, "--out", str(tmp_path), "--images", "21")
    assert (code, told) == (2, [])
    assert error == (
        f"error: {tmp_path / 'rafdb'} holds faces made with images 14; wanted images 21;"
        " choose another --out, or replace what is there with --overwrite"
    )
