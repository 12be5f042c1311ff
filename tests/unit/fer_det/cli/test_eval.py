"""The command eval on what is no model file of fer_det: tables of predictions, adapted models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_data.onnx_classifier import write_onnx
from fake_data.tiny_models import write_tiny
from fake_data.voc_tree import CLASSES, write_voc_tree

from fer_det.cli import eval as eval_command
from fer_det.cli import export, leaderboard
from voc_builder.balance.balance import balance
from voc_builder.balance.config import BalanceConfig

LABELS = ("happiness", "anger", "fear", "sadness")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_voc_tree(tmp_path / "voc", {"test": LABELS})
    return tmp_path / "voc"


def scores_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "scores.json").read_text())
    return found


class TestTable:
    def write(self, path: Path, *answers: str) -> Path:
        path.parent.mkdir(exist_ok=True)
        lines = [f"test_{number:04d}.jpg,{word}" for number, word in enumerate(answers) if word]
        path.write_text("\n".join(["image,expression", *lines, "stranger.jpg,happy", ""]))
        return path

    def run(self, path: Path, data: Path, *more: str) -> int:
        flags = ["--workers=0", "--resamples=20", *more]
        return eval_command.main([f"--predictions={path}", f"--data={data}", *flags])

    def test_a_miss_is_an_error(
        self, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = self.write(tmp_path / "other" / "p.csv", "happy", "angry", "", "disgust")
        page = tmp_path / "page.html"
        assert self.run(path, data, f"--report={page}") == 0
        scores = scores_of(path.parent)
        assert scores["primary"] == "top1"
        assert scores["top1"]["accuracy"] == 0.5
        assert scores["top1"]["miss_rate"] == 0.25
        assert scores["gt_box"] is None
        assert scores["protocol"]["input_size"] is None
        assert not scores["protocol"]["boxes_given"]
        out = capsys.readouterr().out
        assert "1 pictures of the table are not in the split" in out
        assert "1 pictures of the split have no answer in the table" in out
        assert "input unknown" in out
        assert "0.500" in page.read_text()

    def test_two_tables_are_ranked(
        self, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        better = self.write(tmp_path / "better" / "p.csv", "happy", "angry", "fear", "")
        worse = self.write(tmp_path / "worse" / "p.csv", "happy", "sad", "sad", "happy")
        paths = []
        for path in (worse, better):
            assert self.run(path, data) == 0
            paths.append(str(path.parent / "scores.json"))
        capsys.readouterr()
        assert leaderboard.main([*paths, "--resamples=20"]) == 0
        out = capsys.readouterr().out
        assert out.index(" 1  better") < out.index(" 2  worse")
        assert "25.0 %" in out

    def test_classes_that_the_folder_lacks(self, data: Path, tmp_path: Path) -> None:
        path = self.write(tmp_path / "o" / "p.csv", "happy", "contempt", "fear", "sad")
        assert self.run(path, data) == 0
        scores = scores_of(path.parent)
        assert scores["classes"] == [*CLASSES, "contempt"]
        assert scores["top1"]["accuracy"] == 0.75
        # Without contempt a certain answer says nothing; the lowest class number is then taken.
        assert self.run(path, data, "--label_map=seven") == 2
        assert self.run(path, data, "--label_map=seven", "--overwrite=true") == 0
        assert scores_of(path.parent)["classes"] == list(CLASSES)
        assert "contempt left out" in scores_of(path.parent)["protocol"]["label_map"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--data=."], "no --weights; wanted either --weights"),
        (["--weights=a", "--predictions=b"], "--weights and --predictions"),
        (["--predictions=b"], "no --data; wanted the VOC folder"),
        (["--predictions=b", "--data=."], "b is absent"),
        (["--predictions=b", "--data=.", "--views=flip"], "--views, --face_size or --masked with"),
    ],
)
def test_refused_in_one_line(
    argv: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert eval_command.main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert message in err
    assert not list(tmp_path.iterdir())


class TestListedFaces:
    """Of accuracy and mean recall with rejected faces as errors."""

    def listed(self, folder: Path, split: str, out: Path) -> dict[str, int] | None:
        weights = write_tiny(out.with_suffix(".pth"), "resnet_classifier")
        flags = [f"--weights={weights}", f"--data={folder}", f"--split={split}", f"--out={out}"]
        assert eval_command.main([*flags, "--workers=0", "--resamples=20"]) == 0
        found: dict[str, int] | None = scores_of(out)["listed_by_class"]
        return found

    def write(self, root: Path) -> Path:
        """A folder with one more face of fear in the converter's lists than in train."""
        splits = {"train": ("fear", "anger", "anger"), "val": ("anger",)}
        write_voc_tree(root, {**splits, "other": ("anger",)})
        counts = {
            split: {label: labels.count(label) for label in CLASSES}
            for split, labels in splits.items()
        }
        counts["train"]["fear"] += 1
        (root / "summary.json").write_text(json.dumps({"listed": counts}))
        return root

    def test_trainval_is_train_and_val(self, tmp_path: Path) -> None:
        listed = self.listed(self.write(tmp_path / "voc"), "trainval", tmp_path / "out")
        assert listed == dict.fromkeys(CLASSES, 0) | {"fear": 2, "anger": 3}

    def test_a_list_of_the_user_s_own_is_not_counted(self, tmp_path: Path) -> None:
        assert self.listed(self.write(tmp_path / "voc"), "other", tmp_path / "out") is None

    def test_copies_are_not_counted(self, tmp_path: Path) -> None:
        config = BalanceConfig(data=self.write(tmp_path / "voc"), out=tmp_path / "even", workers=0)
        balance(config)
        assert self.listed(config.out, "train", tmp_path / "out") is None
        assert self.listed(config.out, "val", tmp_path / "val") is not None


class TestAdapter:
    def run(self, path: Path, data: Path, out: Path, *more: str) -> dict[str, Any]:
        flags = [f"--out={out}", "--workers=0", "--resamples=20", "--precision=float32", *more]
        assert eval_command.main([f"--weights={path}", f"--data={data}", *flags]) == 0
        return scores_of(out)

    def test_our_own_export_scores_as_its_checkpoint(self, data: Path, tmp_path: Path) -> None:
        """By itself, and through an adapter that says the same."""
        weights = write_tiny(tmp_path / "a.pth", "resnet_classifier", image_mean=(0.3, 0.4, 0.5))
        path = tmp_path / "a.onnx"
        assert export.main([f"--weights={weights}", f"--out={path}", "--pictures=4"]) == 0
        yaml = tmp_path / "adapter.yaml"
        yaml.write_text(
            f"classes: [{', '.join(CLASSES)}]\ninput_size: 32\nface_margin: 0.1\n"
            "padding: [76, 102, 128]\nkind: probabilities\n"
        )
        wanted = self.run(weights, data, tmp_path / "checkpoint")
        for name, more in (("alone", ()), ("adapted", (f"--adapter={yaml}",))):
            found = self.run(path, data, tmp_path / name, *more)
            assert found["gt_box"]["confusion"] == wanted["gt_box"]["confusion"]
            assert found["gt_box"]["intervals"] == wanted["gt_box"]["intervals"]
            assert found["protocol"]["boxes_given"]
            for one, other in zip(found["faces"], wanted["faces"], strict=True):
                assert one["id"] == other["id"]
                rows = [each["answers"]["gt_box"]["probabilities"] for each in (one, other)]
                assert rows[0] == pytest.approx(rows[1], abs=1e-5)
        sure = [max(face["answers"]["gt_box"]["probabilities"]) for face in wanted["faces"]]
        assert len(set(sure)) > 1

    @pytest.mark.parametrize(
        ("name", "shape", "numbers"),
        [
            ("opencv_mobilefacenet", ("N", 3, 112, 112), 7),
            ("onnx_ferplus", (1, 1, 64, 64), 8),
            ("hsemotion_b0_8_mtl", ("N", 3, 224, 224), 10),
            ("hsemotion_b2_7", ("N", 3, 260, 260), 7),
        ],
    )
    def test_files_in_published_shapes(
        self,
        name: str,
        shape: tuple[int | str, ...],
        numbers: int,
        data: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        weights = [0.01 * number for number in range(numbers)]
        path = write_onnx(tmp_path / "m.onnx", shape, weights, "label")
        scores = self.run(path, data, tmp_path / "out", f"--adapter={name}")
        assert scores["classes"] == list(CLASSES)
        assert scores["protocol"]["input_size"] == shape[2]
        # MTCNN finds no landmarks in drawn ellipses.
        assert ("MTCNN does not find" in capsys.readouterr().out) is ("opencv" in name)

    def test_a_foreign_onnx_file_needs_an_adapter(
        self, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = write_onnx(tmp_path / "m.onnx", ("N", 3, 8, 8), [1.0, 2.0])
        assert eval_command.main([f"--weights={path}", f"--data={data}"]) == 2
        assert "name one with --adapter" in capsys.readouterr().err
