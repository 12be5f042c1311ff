"""tools/compare.py: runs side by side, and what cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_data.scored_pictures import CLASSES, protocol_for, random_pictures

from fer_det.cli import compare
from fer_det.evaluation import evaluate, write_scores


def write_run(path: Path, certainty: float, faces: int = 12, **protocol: object) -> Path:
    """Scores of a run that is the better the more certain it is, always on the same faces."""
    pictures = random_pictures([faces] * 7, seed=0, certainty=certainty)
    report = evaluate(pictures, CLASSES, protocol_for(pictures, **protocol), resamples=50)
    write_scores(path, report.to_json())
    return path


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    return [
        str(write_run(tmp_path / f"{name}.json", certainty))
        for name, certainty in (("a", 0.5), ("b", 3.0), ("c", 3.5))
    ]


def test_side_by_side(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main([*runs[:2], "--resamples=200"]) == 0
    out = capsys.readouterr().out
    assert "84 labelled faces, by top1" in out
    for name in runs[:2]:
        assert name in out
    figures = [json.loads(Path(name).read_text())["top1"]["accuracy"] for name in runs[:2]]
    for figure in figures:
        assert f"{figure:.3f} [" in out
    assert f"{figures[1] - figures[0]:+.3f} [" in out
    assert "McNemar exact p" in out
    assert "no p is corrected" not in out


def test_several_against_the_first_say_that_nothing_is_corrected(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare.main([*runs, "--resamples=20"]) == 0
    out = capsys.readouterr().out
    assert "2 less 1" in out
    assert "3 less 1" in out
    assert "2 tests were made and no p is corrected for that" in out


def test_a_classifier_is_compared_by_the_rule_that_both_have(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = write_run(tmp_path / "given.json", 1.0, boxes_given=True)
    assert compare.main([runs[0], str(given), "--resamples=20"]) == 0
    out = capsys.readouterr().out
    assert "by gt_box" in out
    assert "The runs differ in boxes_given: False; True." in out
    assert compare.main([runs[0], str(given), "--rule=top1"]) == 2
    assert "not all scored by top1" in capsys.readouterr().err


def test_made_faces_carry_their_caution(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = str(write_run(tmp_path / "made.json", 1.0, dataset="rafdb, made faces"))
    page = tmp_path / "page.html"
    assert compare.main([name, name, "--resamples=20", f"--report={page}"]) == 0
    assert "say nothing about people" in capsys.readouterr().out
    assert "say nothing about people" in page.read_text()


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["A"], "--scores with 1 of them; wanted two or more"),
        ([], "scores"),
        (["A", "absent.json"], "absent.json is absent"),
        (["A", "OTHER"], "has other faces than"),
        (["A", "B", "--report=."], "--report ., which is a folder"),
    ],
)
def test_refused_in_one_line(
    runs: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
    told: str,
) -> None:
    places = {
        "A": runs[0],
        "B": runs[1],
        "OTHER": str(write_run(tmp_path / "other.json", 1.0, faces=11)),
    }
    assert compare.main([places.get(word, word) for word in argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert told in err
