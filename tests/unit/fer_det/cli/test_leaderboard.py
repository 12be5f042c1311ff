"""The command leaderboard: order, common faces, tests against the first, tables, refusals."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from fake_data.scored_pictures import CLASSES, protocol_for, random_pictures

from fer_det.cli import leaderboard
from fer_det.evaluation.comparison import compare_files
from fer_det.evaluation.evaluate import evaluate
from fer_det.evaluation.leaderboard import holm, rank_files
from fer_det.evaluation.picture import ScoredPicture
from fer_det.evaluation.scores_file import read_scores, scores_to_json, write_scores


def write(
    path: Path,
    pictures: Sequence[ScoredPicture],
    classes: Sequence[str] = CLASSES,
    **protocol: object,
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    of_run = protocol_for(pictures, classes, **protocol)
    write_scores(path, scores_to_json(evaluate(pictures, classes, of_run, resamples=200)))
    return path


def pictures(margin: float, **more: object) -> list[ScoredPicture]:
    return random_pictures([12] * 7, seed=0, margin=margin, **more)  # type: ignore[arg-type]


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """The best one in the middle."""
    return [
        write(tmp_path / name / "scores.json", pictures(margin))
        for name, margin in (("weak", 0.5), ("strong", 3.5), ("middling", 2.0))
    ]


def test_the_order_and_the_figures_of_scores_json(runs: list[Path]) -> None:
    board = rank_files(runs, resamples=200)
    assert [each.name for each in board.standings] == ["strong", "middling", "weak"]
    assert board.n == 84
    for each in board.standings:
        scores = read_scores(Path(each.path))[0]["top1"]
        for name in ("accuracy", "mean_recall", "macro_f1", "miss_rate"):
            assert float(getattr(each.scores, name)) == pytest.approx(scores[name])
            ends = getattr(each.intervals, name).tolist()
            assert ends == pytest.approx(scores["intervals"][name])


def test_every_run_is_compared_with_the_first(runs: list[Path]) -> None:
    board = rank_files(runs, resamples=200)
    first, *others = board.standings
    assert first.paired is first.corrected_p is None
    assert max(float(each.scores.accuracy) for each in others) < float(first.scores.accuracy)
    for each in others:
        pair = compare_files([Path(first.path), Path(each.path)], "top1", 200).with_first[0]
        assert each.paired == pair
        assert each.paired is not None
        assert each.paired.accuracy.value < 0


def test_by_mean_recall(tmp_path: Path) -> None:
    """One run is right about the many, the other about the few."""
    labels = random_pictures([60, 6, 6, 6, 6, 6, 6], seed=1, margin=0.0)
    by_name = {
        "many": [_answered(each, each.truth_labels[0] == 1) for each in labels],
        "few": [_answered(each, each.truth_labels[0] != 1) for each in labels],
    }
    paths = [write(tmp_path / name / "scores.json", each) for name, each in by_name.items()]
    assert rank_files(paths, "accuracy", resamples=20).standings[0].name == "many"
    assert rank_files(paths, "mean_recall", resamples=20).standings[0].name == "few"


def _answered(picture: ScoredPicture, correct: bool) -> ScoredPicture:
    label = int(picture.truth_labels[0]) if correct else int(picture.truth_labels[0]) % 7 + 1
    row = np.eye(7)[label - 1][None]
    return ScoredPicture(
        picture.image_id,
        picture.width,
        picture.height,
        picture.truth_boxes,
        picture.truth_labels,
        picture.ignore_boxes,
        picture.truth_boxes,
        np.ones(1),
        row,
        row,
    )


def test_only_the_common_faces_count(runs: list[Path], tmp_path: Path) -> None:
    """A run that lacks the faces another run is wrong about must not gain by it."""
    fewer = pictures(2.0)[:50]
    path = write(tmp_path / "fewer" / "scores.json", fewer)
    board = rank_files([*runs, path], resamples=20)
    assert board.n == 50
    by_name = {each.name: each for each in board.standings}
    assert {name: each.left_out for name, each in by_name.items()} == {
        "fewer": 0,
        "weak": 34,
        "strong": 34,
        "middling": 34,
    }
    # The same predictions for the same faces.
    assert float(by_name["fewer"].scores.accuracy) == float(by_name["middling"].scores.accuracy)
    assert any("left out" in note for note in board.notes())


def test_a_detector_and_a_classifier(runs: list[Path], tmp_path: Path) -> None:
    given = write(tmp_path / "given" / "scores.json", pictures(3.0), boxes_given=True)
    assert {each.rule for each in rank_files([runs[0], given]).standings} == {"gt_box"}
    detector = write(tmp_path / "d" / "scores.json", pictures(3.0, with_gt_box=False))
    board = rank_files([detector, given], resamples=20)
    assert {each.name: each.rule for each in board.standings} == {"d": "top1", "given": "gt_box"}
    assert "No rule is common to all" in board.notes()[0]
    assert "The runs differ in boxes_given: True (given); False (d)." in board.notes()


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_text_csv_and_html(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet, page = tmp_path / "new" / "board.csv", tmp_path / "new" / "board.html"
    argv = [*map(str, runs), "--resamples=50", f"--csv={sheet}", f"--report={page}"]
    assert leaderboard.main(argv) == 0
    out = capsys.readouterr().out
    assert "84 labelled faces, the same for all 3 runs, by accuracy" in out
    assert max(map(len, out.splitlines())) <= 100
    assert "corrected by Holm's method" in out
    with sheet.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == ["strong", "middling", "weak"]
    accuracy = json.loads(runs[1].read_text())["top1"]["accuracy"]
    assert float(rows[0]["accuracy"]) == pytest.approx(accuracy, abs=1e-6)
    assert rows[0]["mcnemar_p"] == ""
    assert float(rows[2]["mcnemar_p_holm"]) >= float(rows[2]["mcnemar_p"])
    text = page.read_text(encoding="utf-8")
    assert f"{accuracy:.3f}" in text
    assert text.index("strong") < text.index("middling") < text.index("weak")


def test_one_run_alone(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert leaderboard.main([str(runs[0]), "--resamples=20"]) == 0
    out = capsys.readouterr().out
    assert "84 labelled faces, by accuracy" in out
    assert "minus run 1" not in out


def test_made_faces_have_their_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.json", pictures(1.0), dataset="rafdb, made faces")
    page = tmp_path / "page.html"
    assert leaderboard.main([str(path), "--resamples=20", f"--report={page}"]) == 0
    assert "say nothing about people" in capsys.readouterr().out
    assert "say nothing about people" in page.read_text()


class TestRefused:
    def refused(self, capsys: pytest.CaptureFixture[str], *argv: object) -> str:
        assert leaderboard.main(list(map(str, argv))) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.count("\n") == 1
        return err

    def test_no_common_face(
        self, runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        others = [_renamed(each) for each in pictures(1.0)]
        err = self.refused(capsys, runs[0], write(tmp_path / "o.json", others))
        assert "without a face that all of them were scored on" in err

    def test_other_labels(
        self, runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shifted = [_relabelled(each) for each in pictures(1.0)]
        err = self.refused(capsys, runs[0], write(tmp_path / "o.json", shifted))
        assert "wanted the same labels in all runs" in err

    def test_other_classes(
        self, runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        eight = random_pictures([3] * 8, seed=0)
        path = write(tmp_path / "o.json", eight, (*CLASSES, "contempt"))
        assert "such as seven" in self.refused(capsys, runs[0], path)

    def test_absent_rule(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = write(tmp_path / "g.json", pictures(1.0), boxes_given=True)
        assert "not scored by top1" in self.refused(capsys, path, "--rule=top1")

    def test_absent_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert "absent.json is absent" in self.refused(capsys, "absent.json")


def _renamed(picture: ScoredPicture) -> ScoredPicture:
    return ScoredPicture(**{**picture.__dict__, "image_id": f"other_{picture.image_id}"})


def _relabelled(picture: ScoredPicture) -> ScoredPicture:
    return ScoredPicture(**{**picture.__dict__, "truth_labels": picture.truth_labels % 7 + 1})
