from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_data.voc_tree import write_voc_tree

from fer_det.errors import DatasetFormatError
from fer_det.evaluation.folds import FoldPlan, format_folds, plan_folds, sum_up, write_fold
from fer_det.evaluation.predictions import FacePrediction, ScoredFace
from fer_det.io.voc import VocFolder

CLASSES = ["happiness", "sadness"]
BOX = (0.0, 0.0, 10.0, 10.0)


def write(root: Path, persons: list[str], changes: dict[str, Any] | None = None) -> VocFolder:
    """A folder with two pictures a person, happy and sad, and its manifest."""
    labels = [CLASSES[place % 2] for place in range(2 * len(persons))]
    folder = write_voc_tree(root, {"train": labels}, CLASSES)
    rows = [
        {
            "id": f"train_{place:04d}",
            "dataset": "x",
            "status": "written",
            "group": persons[place // 2],
            "faces": [{"expression": label, "box": BOX}],
            "attributes": {},
            **(changes or {}),
        }
        for place, label in enumerate(labels)
    ]
    (root / "manifest.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder


def names(count: int) -> list[str]:
    return [f"S{number:03d}" for number in range(count)]


def check(plan: FoldPlan, persons: list[str]) -> None:
    """Everybody is tested once, and is in one split of each fold."""
    assert sorted(each for fold in plan.folds for each in fold.persons["test"]) == sorted(persons)
    for fold in plan.folds:
        together = [each for own in fold.persons.values() for each in own]
        assert sorted(together) == sorted(persons)
        assert all(fold.persons.values())


class TestPlan:
    def test_ten_folds(self, tmp_path: Path) -> None:
        folder = write(tmp_path, names(25))
        plan = plan_folds(folder, "ten_folds", 0.1)
        check(plan, names(25))
        assert len(plan.folds) == 10
        assert plan.folds[3].persons["test"] == ("S003", "S013", "S023")
        # The next fold's persons choose the model.
        assert plan.folds[3].persons["val"] == ("S004", "S014")
        assert plan.folds[9].persons["val"] == ("S000", "S010")

    def test_leave_one_out(self, tmp_path: Path) -> None:
        plan = plan_folds(write(tmp_path, ["KA", "K L", "NM"]), "leave_one_out", 0.1)
        check(plan, ["KA", "K L", "NM"])
        assert [fold.name for fold in plan.folds] == ["fold-00-K-L", "fold-01-KA", "fold-02-NM"]
        assert plan.folds[2].persons == {"test": ("NM",), "val": ("K L",), "train": ("KA",)}

    def test_folds_of_the_reader(self, tmp_path: Path) -> None:
        folder = write(tmp_path, names(6))
        rows = [json.loads(line) for line in (tmp_path / "manifest.jsonl").read_text().splitlines()]
        for row in rows:
            row["attributes"] = {"fold": str(int(row["group"][1:]) // 2)}
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
        (tmp_path / "manifest.jsonl").write_text(text)
        plan = plan_folds(folder, "ten_folds", 0.1)
        assert [fold.persons["test"] for fold in plan.folds] == [
            ("S000", "S001"),
            ("S002", "S003"),
            ("S004", "S005"),
        ]

    def test_what_cannot_be_dealt(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetFormatError, match=r"who is in 6 pictures.*train_0000"):
            plan_folds(write(tmp_path / "a", names(3), {"group": None}), "ten_folds", 0.1)
        with pytest.raises(DatasetFormatError, match="has 2 persons in 2 folds"):
            plan_folds(write(tmp_path / "b", names(2)), "leave_one_out", 0.1)
        folder = write(tmp_path / "c", names(3))
        (tmp_path / "c" / "balance.json").write_text('{"seed": 0}')
        with pytest.raises(DatasetFormatError, match="is balanced"):
            plan_folds(folder, "ten_folds", 0.1)
        folder = write_voc_tree(tmp_path / "d", {"train": ["happiness"]}, CLASSES)
        with pytest.raises(DatasetFormatError, match="does not say who is in its pictures"):
            plan_folds(folder, "ten_folds", 0.1)


class TestFolder:
    def test_image_sets_and_counts(self, tmp_path: Path) -> None:
        source = write(tmp_path / "source", ["KA", "KL", "NM"])
        place = tmp_path / "source" / "manifest.jsonl"
        rejected = {"id": "lost", "dataset": "x", "status": "rejected", "group": "KA"}
        faces = [{"expression": "sadness", "box": None}]
        place.write_text(place.read_text() + json.dumps({**rejected, "faces": faces}) + "\n")
        plan = plan_folds(source, "leave_one_out", 0.1)
        write_fold(tmp_path / "fold", source, plan, plan.folds[0])
        # A second time, as after an interruption.
        write_fold(tmp_path / "fold", source, plan, plan.folds[0])
        folder = VocFolder(tmp_path / "fold")
        assert folder.image_ids("test") == ["train_0000", "train_0001"]
        assert folder.image_ids("val") == ["train_0002", "train_0003"]
        assert folder.image_ids("train") == ["train_0004", "train_0005"]
        assert folder.read("train_0000").labels == ("happiness",)
        assert folder.image_path("train_0000").is_file()
        assert folder.classes() == tuple(CLASSES)
        assert folder.build_summary()["listed"]["test"] == {"happiness": 1, "sadness": 2}
        assert folder.build_summary()["rejected"]["test"] == {"happiness": 0, "sadness": 1}


def face(place: int, label: str, answer: str) -> ScoredFace:
    said = FacePrediction(answer, (0.6, 0.4), BOX, None)
    return ScoredFace(f"train_{place:04d}", 0, (60, 48), label, BOX, {"gt_box": said})


def scores_of(plan: FoldPlan, answers: list[str]) -> list[Any]:
    """What read_scores gives for each fold of two pictures, with these answers."""
    results = []
    for fold in range(len(plan.folds)):
        faces = [
            face(place, CLASSES[place % 2], answers[place]) for place in (2 * fold, 2 * fold + 1)
        ]
        right = sum(each.is_correct("gt_box") for each in faces) / 2
        figures = {"accuracy": right, "mean_recall": right, "miss_rate": 0.0}
        results.append(
            ({"classes": CLASSES, "primary": "gt_box", "n": 2, "gt_box": figures}, faces)
        )
    return results


class TestSum:
    def test_means_and_all_together(self, tmp_path: Path) -> None:
        plan = plan_folds(write(tmp_path, ["KA", "KL", "NM"]), "leave_one_out", 0.1)
        happy, sad = CLASSES
        summary = sum_up(plan, scores_of(plan, [happy, sad, happy, happy, happy, happy]), 200)
        assert [fold["accuracy"] for fold in summary["folds"]] == [1.0, 0.5, 0.5]
        assert summary["mean"]["accuracy"] == pytest.approx(2 / 3)
        assert summary["deviation"]["accuracy"] == pytest.approx(0.288675)
        pooled = summary["pooled"]
        assert pooled["confusion"] == [[3, 0, 0], [2, 1, 0]]
        assert pooled["accuracy"] == pytest.approx(4 / 6)
        assert pooled["recall"] == {"happiness": 1.0, "sadness": pytest.approx(1 / 3)}
        low, high = pooled["intervals"]["accuracy"]
        # Persons are resampled, so the ends are those of the folds.
        assert (low, high) == (0.5, 1.0)
        text = format_folds(summary)
        assert "3 folds by gt_box" in text
        assert all(len(line) <= 100 for line in text.splitlines())
        assert json.loads(json.dumps(summary)) == summary

    def test_scores_of_other_pictures(self, tmp_path: Path) -> None:
        plan = plan_folds(write(tmp_path, ["KA", "KL", "NM"]), "leave_one_out", 0.1)
        results = scores_of(plan, ["happiness"] * 6)
        with pytest.raises(DatasetFormatError, match="scores of fold-00-KA are of other"):
            sum_up(plan, [results[1], results[0], results[2]], 10)
