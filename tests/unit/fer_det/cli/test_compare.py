"""The command compare: runs on the same faces, and runs that cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_data.scored_pictures import CLASSES, protocol_for, random_pictures

from fer_det.cli import compare
from fer_det.evaluation.evaluate import evaluate
from fer_det.evaluation.scores_file import scores_to_json, write_scores


def write_run(path: Path, margin: float, faces: int = 12, **protocol: object) -> Path:
    """Write the scores of a run on the same faces; it is better for a larger margin."""
    pictures = random_pictures([faces] * 7, seed=0, margin=margin)
    evaluation = evaluate(pictures, CLASSES, protocol_for(pictures, **protocol), resamples=50)
    write_scores(path, scores_to_json(evaluation))
    return path


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    return [
        str(write_run(tmp_path / f"{name}.json", margin))
        for name, margin in (("a", 0.5), ("b", 3.0), ("c", 3.5))
    ]


def test_two_runs(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
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
    assert "corrected" not in out


def test_several_runs_note_that_no_p_value_is_corrected(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare.main([*runs, "--resamples=20"]) == 0
    out = capsys.readouterr().out
    assert "run 2 minus run 1" in out
    assert "run 3 minus run 1" in out
    assert "2 tests were made; no p-value is corrected for that" in out


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


def test_made_faces_have_their_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = str(write_run(tmp_path / "made.json", 1.0, dataset="rafdb, made faces"))
    page = tmp_path / "page.html"
    assert compare.main([name, name, "--resamples=20", f"--report={page}"]) == 0
    assert "say nothing about people" in capsys.readouterr().out
    assert "say nothing about people" in page.read_text()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["A"], "1 scores.json; wanted two or more"),
        ([], "SCORES is missing"),
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
    message: str,
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
    assert message in err
