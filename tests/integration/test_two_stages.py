"""A classifier, and a detector that is initialised from it: killed, resumed, scored."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fake_data.typed import ROOT, finish, kill_in_mid_epoch, start, start_python
from fake_data.voc_tree import CLASSES, write_voc_tree

from fer_det.cli import eval as eval_rafdb
from fer_det.cli import predict, train_classifier
from fer_det.cli import train as train_frcnn
from fer_det.models import build_model
from fer_det.models.vgg16.network import vgg16_features
from fer_det.models.vgg16_classifier.config import Config
from fer_det.weights.model_file import WeightsInfo, read_model_file, save_weights
from fer_det.weights.storage import file_hash

pytestmark = pytest.mark.slow

TRAIN = ["happiness", "anger", "fear", "happiness", "happiness", "anger", "sadness", "happiness"]
TEST = ["happiness", ("fear", "anger"), "sadness"]
CLASSIFIER = Path("runs") / "classifier-001"
"""Where a run without --out is kept."""

CENTRES = "loss.of_features.centres"


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for all runs, deleted afterwards: each file of VGG16 takes up to 140 MB."""
    folder = tmp_path_factory.mktemp("two_stages")
    write_voc_tree(folder / "voc", {"train": TRAIN, "val": ["happiness", "anger"], "test": TEST})
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def weights(space: Path) -> Path:
    """Published weights with fc6 and fc7, as VGG-Face's, and their own normalisation."""
    torch.manual_seed(0)
    tensors = {f"features.{n}": t for n, t in vgg16_features(False).state_dict().items()}
    tensors["classifier.0.weight"] = torch.randn(16, 25088) / 100
    tensors["classifier.3.weight"] = torch.randn(16, 16) / 4
    tensors |= {f"classifier.{n}.bias": torch.zeros(16) for n in (0, 3)}
    info = WeightsInfo("a face network", "none", "nothing", (0.4, 0.5, 0.6), (0.2, 0.2, 0.2))
    save_weights(space / "face.safetensors", tensors, info, torch.float32)
    return space / "face.safetensors"


@pytest.fixture(scope="module")
def classifier(space: Path, weights: Path) -> Path:
    """The run folder of an uninterrupted classifier."""
    message = finish(start(space / "a", "train_classifier", *classifier_settings(space, weights)))
    assert f"pretrained weights: {weights} (a face network)" in message
    both = "roi_heads.box_head.fc6, roi_heads.box_head.fc7"
    assert f"taken: 13 layers of the backbone, {both}\n" in message
    assert "random: roi_heads.class_score, loss.of_features\n" in message
    assert f"--init {CLASSIFIER / 'best.pth'} --model.head_width 16" in message
    return space / "a" / CLASSIFIER


@pytest.fixture(scope="module")
def detector(space: Path, classifier: Path) -> Path:
    """The run folder of a detector that was initialised from the classifier."""
    argv = detector_settings(space, classifier / "best.pth")
    message = finish(start(space / "a", "train", *argv))
    both = "roi_heads.box_head.fc6, roi_heads.box_head.fc7"
    assert f"taken: 13 layers of the backbone, {both}\n" in message
    assert "unused: roi_heads.class_score\n" in message
    assert "initialised from" in message
    return space / "a" / "detector"


@pytest.fixture
def torch_settings_restored() -> Iterator[None]:
    """Commands in this process make torch deterministic; the next tests need it off."""
    yield
    torch.use_deterministic_algorithms(False)


def settings(space: Path) -> list[str]:
    """Small, in float32, with a checkpoint after each step."""
    return [
        f"--data={space / 'voc'}",
        "--epochs=2",
        "--batch_size=4",
        "--balance=0",
        "--workers=0",
        "--save_minutes=0",
        "--precision=float32",
        "--model.input_size=32",
        "--model.head_width=16",
        "--optimizer.freeze_layers=2",
    ]


def classifier_settings(space: Path, weights: Path) -> list[str]:
    return [*settings(space), f"--init={weights}", "--loss=centre", "--loss_weight=0.1"]


def detector_settings(space: Path, init: Path) -> list[str]:
    rates = ["--optimizer.backbone_lr_multiplier=0.5", "--optimizer.head_lr_multiplier=0.5"]
    return [*settings(space), *rates, f"--init={init}", "--out=detector"]


class TestClassifier:
    def test_best_is_plain_and_last_keeps_the_centres(self, classifier: Path) -> None:
        best, last = (read_model_file(classifier / name) for name in ("best.pth", "last.pth"))
        assert best.config == Config(
            input_size=32,
            head_width=16,
            batch_norm=False,
            face_margin=0.2,
            image_mean=(0.4, 0.5, 0.6),
            image_std=(0.2, 0.2, 0.2),
        )
        build_model(best.config, best.classes).load_state_dict(best.tensors)
        assert CENTRES not in best.tensors
        shown = [bool(row.any()) for row in last.tensors[CENTRES]]
        assert shown == [label in TRAIN for label in CLASSES]

    def test_frozen_layers_are_those_of_the_file(self, classifier: Path, weights: Path) -> None:
        best = read_model_file(classifier / "best.pth").tensors
        wanted = read_model_file(weights).tensors
        for number, stays in ((0, True), (2, True), (5, False)):
            name = f"features.{number}.weight"
            # The inserted norm was folded again, which changes the last digits.
            assert (
                torch.allclose(best[f"backbone.{name}"], wanted[name], rtol=1e-4, atol=1e-6)
                is stays
            )

    def test_killed_and_typed_again_it_ends_in_the_same_bytes(
        self, space: Path, weights: Path, classifier: Path
    ) -> None:
        argv = classifier_settings(space, weights)
        process = start(space / "b", "train_classifier", *argv)
        kill_in_mid_epoch(process, space / "b" / CLASSIFIER / "last.pth")
        assert "resumes" in finish(start(space / "b", "train_classifier", *argv))
        for name in ("best.pth", "last.pth", "log.jsonl"):
            found = (space / "b" / CLASSIFIER / name).read_bytes()
            assert found == (classifier / name).read_bytes(), name


@pytest.mark.parametrize("loss", ["centre", "locality"])
def test_two_processes_train_the_classifier_of_one(space: Path, loss: str) -> None:
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")
    double = str(ROOT / "tests" / "fake_data" / "train_in_double.py")
    flags = [
        "--epochs=1",
        "--save_minutes=9",
        "--optimizer.freeze_layers=0",
        "--optimizer.name=sgd",
    ]
    of_loss = [f"--loss={loss}", "--loss_weight=0.1", "--optimizer.learning_rate=0.02"]
    argv = [double, "train_classifier", *settings(space), *flags, *of_loss]
    finish(start_python(space / "double", *argv, f"--out=one_{loss}"))
    finish(start_python(space / "double", *launcher, *argv, f"--out=two_{loss}"))
    alone, shared = (
        read_model_file(space / "double" / f"{name}_{loss}" / "last.pth").tensors
        for name in ("one", "two")
    )
    assert alone.keys() == shared.keys()
    assert (CENTRES in alone) is (loss == "centre")
    for name, wanted in alone.items():
        # Found were 2e-14, from sums in another order.
        torch.testing.assert_close(shared[name], wanted, rtol=1e-9, atol=1e-9)


class TestDetector:
    def test_records_the_chain_of_its_weights(
        self, weights: Path, classifier: Path, detector: Path
    ) -> None:
        best = classifier / "best.pth"
        info = read_model_file(best).info
        epoch = info["epoch"] + 1
        assert info["data"]["datasets"] == "drawn"
        wanted = {
            "path": str(best),
            "sha256": file_hash(best),
            "source": f"vgg16_classifier, epoch {epoch}",
            "data": info["data"],
            "init": {
                "path": str(weights),
                "sha256": file_hash(weights),
                "source": "a face network",
                "trained_on": "nothing",
            },
        }
        for name in ("best.pth", "last.pth"):
            assert read_model_file(detector / name).info["init"] == wanted

    def test_killed_and_typed_again_it_ends_in_the_same_bytes(
        self, space: Path, classifier: Path, detector: Path
    ) -> None:
        argv = detector_settings(space, classifier / "best.pth")
        process = start(space / "c", "train", *argv)
        kill_in_mid_epoch(process, space / "c" / "detector" / "last.pth")
        assert "resumes" in finish(start(space / "c", "train", *argv))
        for name in ("best.pth", "last.pth", "log.jsonl"):
            found = (space / "c" / "detector" / name).read_bytes()
            assert found == (detector / name).read_bytes(), name

    def test_straight_from_a_weights_file(
        self,
        space: Path,
        weights: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        torch_settings_restored: None,
    ) -> None:
        (space / "d").mkdir()
        monkeypatch.chdir(space / "d")
        assert train_frcnn.main([*detector_settings(space, weights), "--epochs=1"]) == 0
        both = "roi_heads.box_head.fc6, roi_heads.box_head.fc7"
        assert f"taken: 13 layers of the backbone, {both}\n" in capsys.readouterr().out


class TestScores:
    @pytest.mark.parametrize("name", ["best.pth", "last.pth"])
    def test_classifier_is_scored_on_given_boxes_alone(
        self,
        name: str,
        classifier: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        torch_settings_restored: None,
    ) -> None:
        flags = ["--workers=0", "--resamples=20", "--precision=float32", "--batch_size=2"]
        argv = [f"--weights={classifier / name}", f"--out={tmp_path}", *flags]
        assert eval_rafdb.main(argv) == 0
        scores = json.loads((tmp_path / "scores.json").read_text())
        assert (scores["n"], scores["pictures"], scores["primary"]) == (4, 3, "gt_box")
        assert scores["top1"] is scores["matched"] is scores["ap"] is None
        assert scores["gt_box"]["miss_rate"] == 0
        assert scores["protocol"]["boxes_given"] is True
        out = capsys.readouterr().out
        assert "The model is a classifier" in out
        assert "top1     not scored: a classifier detects no faces" in out

    def test_mtcnn_finds_the_classifier_s_faces(
        self, classifier: Path, space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        picture = next((space / "voc").rglob("*.jpg"))
        argv = [str(picture), f"--weights={classifier / 'best.pth'}", f"--out={tmp_path / 'out'}"]
        assert predict.main([*argv, "--faces=model"]) == 2
        assert "--faces model with a classifier, which finds no faces" in capsys.readouterr().err
        assert predict.main(argv) == 0
        assert "faces: by MTCNN" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "flags", "message"),
    [
        (train_classifier, ["--loss=focal"], "--loss focal; wanted one of softmax, centre"),
        (train_classifier, ["--neighbours=0"], "--neighbours 0; wanted at least 1"),
        (train_classifier, ["--init=absent"], "absent is absent; wanted a file of weights"),
        (train_classifier, ["--init=none"], "--optimizer.freeze_layers 2 with --init none"),
        (train_frcnn, ["--init=none"], "--optimizer.freeze_layers 2 with --init none"),
        (
            train_frcnn,
            ["--model.name=vgg16_classifier", "--optimizer.freeze_layers=0"],
            "--model.name vgg16_classifier, which is a classifier; wanted a detector",
        ),
    ],
)
def test_refused(
    command: object,
    flags: list[str],
    message: str,
    space: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    torch_settings_restored: None,
) -> None:
    monkeypatch.chdir(tmp_path)
    frozen = [] if flags == ["--init=none"] else ["--optimizer.freeze_layers=0"]
    assert command.main([*settings(space), *frozen, *flags]) == 2  # type: ignore[attr-defined]
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
