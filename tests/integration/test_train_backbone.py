"""From synthetic faces to a backbone to a detector: killed, resumed, refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fake_data.made_faces import write_made_faces
from fake_data.typed import finish, kill_in_mid_epoch, start
from fake_data.voc_tree import write_voc_tree

from fer_det.cli import train as train_frcnn
from fer_det.cli import train_backbone as train_backbone
from fer_det.engine.run_folder import read_log
from fer_det.weights.model_file import read_model_file

pytestmark = pytest.mark.slow

FOLDER = Path("runs") / "backbone-001"
EXPORT = Path("backbone.safetensors")
FACES, STEPS, EPOCHS = 16, 2, 3


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for all runs, deleted afterwards: each file of VGG16 takes up to 180 MB."""
    folder = tmp_path_factory.mktemp("backbone")
    write_made_faces(folder / "faces", train=FACES, test=7)
    write_voc_tree(
        folder / "voc", {"train": ["fear", "anger"] * 4, "val": ["anger"], "test": ["fear"]}
    )
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def whole(space: Path) -> Path:
    """The working folder of an uninterrupted run, without --out."""
    folder = space / "whole"
    finish(start(folder, "train_backbone", *settings(space)))
    return folder


@pytest.fixture(scope="module")
def detector(whole: Path, space: Path) -> Path:
    """A run that was initialised from the backbone."""
    argv = detector_settings(space, whole / EXPORT)
    out = finish(start(space / "a", "train", *argv))
    assert f"pretrained weights: {whole / EXPORT} (fer_det, tools/train_backbone.py)" in out
    assert "taken: 13 layers of the backbone\n" in out
    return space / "a" / "detector"


def settings(space: Path) -> list[str]:
    """Small, in float32."""
    return [
        f"--faces={space / 'faces'}",
        f"--export={EXPORT}",
        f"--epochs={EPOCHS}",
        f"--batch_size={FACES // STEPS}",
        "--balance=0",
        "--workers=0",
        "--save_minutes=0",
        "--precision=float32",
        "--model.input_size=32",
        "--optimizer.learning_rate=0.002",
    ]


def detector_settings(space: Path, init: Path) -> list[str]:
    return [
        f"--data={space / 'voc'}",
        f"--init={init}",
        "--out=detector",
        "--epochs=2",
        "--batch_size=4",
        "--balance=0",
        "--workers=0",
        "--save_minutes=0",
        "--precision=float32",
        "--model.input_size=32",
        "--model.head_width=16",
        "--optimizer.backbone_lr_multiplier=0.5",
    ]


class TestBackbone:
    def test_learns_and_writes_a_weights_file(self, whole: Path) -> None:
        epochs = [record for record in read_log(whole / FOLDER) if record["kind"] == "epoch"]
        assert len(epochs) == EPOCHS
        assert epochs[-1]["loss"] < epochs[0]["loss"]
        names = {path.name for path in (whole / FOLDER).iterdir() if path.name[0] != "."}
        assert names == {"last.pth", "log.jsonl", "tensorboard"}
        file = read_model_file(whole / EXPORT)
        assert (file.config.image_mean, file.config.image_std) == ((0.5,) * 3, (0.25,) * 3)
        assert (file.config.name, file.config.input_size) == ("face_attributes", 32)
        notes = file.info["notes"]
        assert notes["command"].startswith("tools/train_backbone.py --faces=")
        assert notes["validation"]["accuracy"] == pytest.approx(epochs[-1]["accuracy"], abs=1e-4)
        assert "other people" in notes["validated_on"]
        assert len(file.tensors) == 26
        assert all(tensor.dtype == torch.float16 for tensor in file.tensors.values())

    def test_killed_and_typed_again_it_ends_in_the_same_bytes(
        self, whole: Path, space: Path
    ) -> None:
        folder = space / "killed"
        process = start(folder, "train_backbone", *settings(space))
        kill_in_mid_epoch(process, folder / FOLDER / "last.pth")
        out = finish(start(folder, "train_backbone", *settings(space)))
        assert f"run {FOLDER} resumes" in out
        assert "(best)" not in out
        for name in (FOLDER / "last.pth", FOLDER / "log.jsonl", EXPORT):
            assert (folder / name).read_bytes() == (whole / name).read_bytes()


class TestDetector:
    def test_records_the_origin_of_its_weights(self, whole: Path, detector: Path) -> None:
        sha256 = read_model_file(whole / EXPORT).sha256
        for name in ("best.pth", "last.pth"):
            checkpoint = read_model_file(detector / name)
            assert checkpoint.info["init"] == {
                "path": str(whole / EXPORT),
                "sha256": sha256,
                "source": "fer_det, tools/train_backbone.py",
                "trained_on": "16 synthetic faces, 3 epochs",
            }

    def test_killed_and_typed_again_it_is_resumed(
        self, whole: Path, space: Path, detector: Path
    ) -> None:
        argv = detector_settings(space, whole / EXPORT)
        process = start(space / "b", "train", *argv)
        kill_in_mid_epoch(process, space / "b" / "detector" / "last.pth")
        out = finish(start(space / "b", "train", *argv))
        assert "resumes" in out
        assert "pretrained" not in out
        for name in ("best.pth", "last.pth", "log.jsonl"):
            assert (space / "b" / "detector" / name).read_bytes() == (detector / name).read_bytes()

    def test_initialised_from_a_detector(self, space: Path, detector: Path) -> None:
        argv = detector_settings(space, detector / "best.pth")
        out = finish(start(space / "c", "train", *argv, "--epochs=1"))
        assert "roi_heads.box_predictor.cls_score" in out
        assert "random" not in out

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            ([], "detector holds a run with --init with sha256"),
            (["--init=absent.pth"], "absent.pth is absent; wanted a file of weights"),
            (["--init=TORN"], "TORN is a truncated or broken safetensors file"),
            (
                ["--model.image_mean=[0.1, 0.1, 0.1]"],
                "--model.image_mean [0.1, 0.1, 0.1] with --init",
            ),
        ],
    )
    def test_refused(
        self,
        whole: Path,
        space: Path,
        detector: Path,
        flags: list[str],
        message: str,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.chdir(detector.parent)
        Path("TORN").write_bytes((whole / EXPORT).read_bytes()[:1000])
        argv = detector_settings(space, detector / "best.pth")
        assert train_frcnn.main([*argv, *flags]) == 2
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1


def test_absent_faces(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert train_backbone.main(["--faces=nowhere", "--workers=0"]) == 2
    err = capsys.readouterr().err
    assert "nowhere/basic/faces.jsonl is absent; wanted a folder of made faces" in err
    assert list(tmp_path.iterdir()) == []
