"""Training and scoring commands: killed, resumed, in two processes, refused."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_data import typed
from fake_data.typed import ROOT, end, finish, start, start_python
from fake_data.voc_tree import CLASSES, write_voc_tree
from torch import Tensor

from fer_det.cli import calibrate
from fer_det.cli import eval as eval_rafdb
from fer_det.cli import train as train_frcnn
from fer_det.engine.run_folder import hold_run, read_log
from fer_det.models import build_model
from fer_det.models.vgg16_frcnn.config import Config
from fer_det.weights.model_file import read_model_file, write_model_file
from fer_det.weights.storage import content_hash

TRAIN = ["happiness", "anger", "fear", "happiness", "happiness", "anger", "sadness", "happiness"]
STEPS, EPOCHS = 2, 2
TOLERANCE = 1e-7
"""Of the way that training has moved the weights; found were 2e-11, from sums in another order."""

COMMAND = "train"
FOLDER = Path("runs") / "detector-001"
"""Where a run without --out is kept."""


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for all runs, deleted afterwards: each file of VGG16 takes up to 140 MB."""
    folder = tmp_path_factory.mktemp("training")
    test = ["happiness", "anger", "fear", "sadness"]
    write_voc_tree(folder / "voc", {"train": TRAIN, "val": ["happiness", "anger"], "test": test})
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def whole(space: Path) -> Path:
    """The working folder of an uninterrupted run, without --out."""
    folder = space / "whole"
    finish(start(folder, COMMAND, *settings(space)))
    return folder


@pytest.fixture
def torch_settings_restored() -> Iterator[None]:
    """Commands in this process make torch deterministic; the next tests need it off."""
    yield
    torch.use_deterministic_algorithms(False)


def settings(space: Path) -> list[str]:
    """Small, in float32, with a checkpoint after each step."""
    return [
        f"--data={space / 'voc'}",
        f"--epochs={EPOCHS}",
        f"--batch_size={len(TRAIN) // STEPS}",
        "--balance=0",
        "--workers=0",
        "--save_minutes=0",
        "--precision=float32",
        "--model.input_size=32",
        "--model.head_width=16",
        "--init=none",
        "--optimizer.name=sgd",
        "--optimizer.learning_rate=0.02",
    ]


def kill_in_mid_epoch(process: subprocess.Popen[str], last: Path) -> None:
    """SIGKILL after the first step is saved, and before the last one is."""
    typed.kill_in_mid_epoch(process, last)
    assert 0 < position_of(last)["step"] < EPOCHS * STEPS


def position_of(last: Path) -> dict[str, Any]:
    training = read_model_file(last).training
    assert training is not None
    position: dict[str, Any] = training["position"]
    return position


class TestUninterrupted:
    def test_leaves_the_run_folder_behind(self, whole: Path) -> None:
        folder = whole / FOLDER
        names = {path.name for path in folder.iterdir() if path.name[0] != "."}
        assert names == {"best.pth", "last.pth", "log.jsonl", "tensorboard"}
        assert any((folder / "tensorboard").iterdir())
        records = read_log(folder)
        assert [record["epoch"] for record in records if record["kind"] == "epoch"] == [0, 1]
        assert position_of(folder / "last.pth")["step"] == EPOCHS * STEPS

    def test_best_holds_plain_vgg16_and_its_settings(self, whole: Path) -> None:
        best = read_model_file(whole / FOLDER / "best.pth")
        assert (best.classes, best.training) == (CLASSES, None)
        assert best.config == Config(input_size=32, head_width=16, batch_norm=False)
        build_model(best.config, best.classes).load_state_dict(best.tensors)
        assert best.info["train_config"]["batch_size"] == 4
        assert best.info["validation"].keys() >= {"accuracy", "mean_recall", "miss_rate"}
        assert best.temperature == best.info["validation"]["temperature"]
        logged = [each for each in read_log(whole / FOLDER) if each["kind"] == "epoch"]
        assert best.temperature == logged[best.info["epoch"]]["temperature"]

    def test_typed_again_it_trains_nothing(
        self,
        whole: Path,
        space: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        torch_settings_restored: None,
    ) -> None:
        monkeypatch.chdir(whole)
        before = {p.name: p.stat().st_mtime_ns for p in FOLDER.glob("*.pth")}
        log = (FOLDER / "log.jsonl").read_text()
        assert train_frcnn.main(settings(space)) == 0
        assert {p.name: p.stat().st_mtime_ns for p in FOLDER.glob("*.pth")} == before
        assert (FOLDER / "log.jsonl").read_text() == log
        assert [path.name for path in Path("runs").iterdir()] == ["detector-001"]
        out, err = capsys.readouterr()
        assert f"run {FOLDER} resumes" in out
        assert "steps" not in err


class TestKilled:
    def test_and_typed_again_it_ends_in_the_same_bytes(self, whole: Path, space: Path) -> None:
        folder = space / "killed"
        kill_in_mid_epoch(start(folder, COMMAND, *settings(space)), folder / FOLDER / "last.pth")
        message = finish(start(folder, COMMAND, *settings(space)))
        assert f"run {FOLDER} resumes" in message
        for name in ("best.pth", "last.pth", "log.jsonl"):
            assert (folder / FOLDER / name).read_bytes() == (whole / FOLDER / name).read_bytes()
        assert not list((folder / FOLDER).glob(".*tmp"))

    @pytest.mark.slow
    def test_with_loader_processes_it_ends_in_the_same_model(
        self, whole: Path, space: Path
    ) -> None:
        folder = space / "workers"
        argv = [*settings(space), "--out=run", "--workers=2"]
        kill_in_mid_epoch(start(folder, COMMAND, *argv), folder / "run" / "last.pth")
        finish(start(folder, COMMAND, *argv))
        for name in ("best.pth", "last.pth"):
            found, wanted = (read_model_file(at / name) for at in (folder / "run", whole / FOLDER))
            assert content_hash(found.tensors) == content_hash(wanted.tensors)
            assert content_hash(found.training) == content_hash(wanted.training)
        assert read_log(folder / "run") == read_log(whole / FOLDER)


@pytest.mark.slow
def test_two_processes_train_the_model_of_one(space: Path) -> None:
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")
    double = str(ROOT / "tests" / "fake_data" / "train_in_double.py")
    argv = ["train_frcnn", *settings(space), "--epochs=1", "--save_minutes=9"]
    finish(start_python(space / "one", double, *argv, "--out=run"))
    two = end(start_python(space / "two", *launcher, double, *argv, "--out=run"))
    assert two.returncode == 0, two.stderr
    # Only the first process prints.
    assert two.stdout.count("run run starts") == 1
    assert "Warning" not in two.stderr
    alone, shared = (read_model_file(space / name / "run" / "last.pth") for name in ("one", "two"))
    torch.manual_seed(0)
    untrained = build_model(alone.config, alone.classes).state_dict()
    assert distance(shared.tensors, alone.tensors) < TOLERANCE * distance(alone.tensors, untrained)
    assert shared.training is not None
    assert alone.training is not None
    found, wanted = (at.training["position"] for at in (shared, alone))
    # The recorded loss is the first process's own.
    assert {**found, "epoch_loss": 0} == {**wanted, "epoch_loss": 0}


def distance(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """Euclidean, over all weights and running statistics."""
    squares = [(one[name].double() - other[name].double()).square().sum() for name in other]
    return float(torch.stack(squares).sum().sqrt())


class TestScoring:
    def test_bare_name_is_found_in_the_newest_run(self, whole: Path) -> None:
        tool = str(ROOT / "tools" / "eval_rafdb.py")
        argv = ["--weights=best.pth", "--workers=0", "--resamples=20", "--precision=float32"]
        argv.append("--report=pages/report.html")
        message = finish(start_python(whole, tool, *argv))
        assert message.startswith(f"weights: {FOLDER / 'best.pth'}\n")
        assert f"scores: {FOLDER / 'scores.json'}" in message
        scores = json.loads((whole / FOLDER / "scores.json").read_text())
        assert scores["n"] == 4
        assert scores["primary"] == "top1"
        for rule in ("top1", "matched", "gt_box"):
            assert {"accuracy", "mean_recall", "recall", "macro_f1", "miss_rate"} <= scores[
                rule
            ].keys()
            assert list(scores[rule]["recall"]) == list(CLASSES)
            assert len(scores[rule]["confusion"][0]) == len(CLASSES) + 1
            assert scores[rule]["intervals"]["accuracy"] is not None
        assert {"ap50", "ap", "by_class"} <= scores["ap"].keys()
        protocol = scores["protocol"]
        assert (protocol["split"], protocol["input_size"]) == ("test", 32)
        assert protocol["checkpoint_rule"].startswith("highest mean recall")
        for name in ("fear", "top1", "matched", "gt_box", "none"):
            assert name in message
        best = read_model_file(whole / FOLDER / "best.pth")
        assert protocol["temperature"] == best.temperature
        assert [face["label"] for face in scores["faces"]] == [
            "happiness",
            "anger",
            "fear",
            "sadness",
        ]
        page = (whole / "pages" / "report.html").read_text()
        assert f"{scores['top1']['accuracy']:.3f}" in page
        assert protocol["weights_sha256"] in page
        assert "Learning curves" in page
        assert page.count("data:image/jpeg") >= 1

    def test_report_without_faces(
        self, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(whole)
        page = tmp_path / "report.html"
        flags = ["--workers=0", "--resamples=5", f"--out={tmp_path}", f"--report={page}"]
        assert eval_rafdb.main([f"--weights={FOLDER / 'best.pth'}", *flags, "--hide_faces"]) == 0
        assert "data:image" not in page.read_text()

    def test_calibrate_changes_probabilities_and_no_prediction(
        self,
        whole: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(whole)
        best, out = read_model_file(FOLDER / "best.pth"), tmp_path / "calibrated.pth"
        flags = ["--workers=0", "--precision=float32"]
        argv = [f"--weights={FOLDER / 'best.pth'}", f"--out={out}", *flags]
        assert calibrate.main(argv) == 0
        assert calibrate.main(argv) == 2
        assert f"{out} exists already; wanted a new file" in capsys.readouterr().err
        assert calibrate.main([*argv, "--overwrite"]) == 0
        again = read_model_file(out)
        # Batch normalisation was folded in between.
        assert again.temperature == pytest.approx(best.temperature, rel=1e-2)
        assert content_hash(again.tensors) == content_hash(best.tensors)
        assert f"temperature {again.temperature:.3f} (was {best.temperature:.3f}), from 2" in (
            capsys.readouterr().out
        )
        write_model_file(out, replace(best, info={**best.info, "temperature": 3.0}))
        scores = {}
        for path in (FOLDER / "best.pth", out):
            scored = [f"--weights={path}", f"--out={tmp_path}", "--resamples=5", *flags]
            assert eval_rafdb.main(scored) == 0
            scores[path] = json.loads((tmp_path / "scores.json").read_text())
        plain, soft = scores.values()
        for rule in ("top1", "matched", "gt_box"):
            assert plain[rule]["confusion"] == soft[rule]["confusion"]
        sure = [
            [max(face["answers"]["gt_box"]["probabilities"]) for face in each["faces"]]
            for each in (plain, soft)
        ]
        assert sure[0] != sure[1]

    def test_last_is_not_called_the_best(
        self, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(whole)
        flags = ["--workers=0", "--resamples=5", "--split=val", f"--out={tmp_path}"]
        assert eval_rafdb.main([f"--weights={FOLDER / 'last.pth'}", *flags]) == 0
        protocol = json.loads((tmp_path / "scores.json").read_text())["protocol"]
        assert protocol["checkpoint_rule"].startswith("the last")
        assert protocol["split"] == "val"


def test_loss_that_is_not_finite_names_the_pictures(space: Path) -> None:
    folder = space / "diverged"
    ended = end(start(folder, COMMAND, *settings(space), "--optimizer.learning_rate=1e30"))
    assert ended.returncode == 2
    *before, line = ended.stderr.splitlines()
    # Progress comes before it.
    assert all(" steps" in each for each in before), ended.stderr
    assert line.startswith("error: a ")
    assert "that is not finite at step 1 (loss_" in line
    assert line.count("train_000") == 4
    assert line.count(".jpg") == 4


class TestRefused:
    @pytest.fixture(autouse=True)
    def inside(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torch_settings_restored: None
    ) -> None:
        monkeypatch.chdir(tmp_path)

    def refused(self, capsys: pytest.CaptureFixture[str], code: int) -> str:
        assert code == 2
        *progress, line = capsys.readouterr().err.splitlines()
        assert all(" steps" in each for each in progress)
        assert line.startswith("error: ")
        return line

    @pytest.mark.parametrize(
        ("flag", "message"),
        [
            ("--optimizer.learning_rate=0.01", "--optimizer.learning_rate 0.02, not 0.01"),
            ("--epochs=3", "--epochs 2, not 3"),
            ("--model.head_width=32", "--model.head_width 16, not 32"),
            ("--precision=bfloat16", "--precision float32, not bfloat16"),
        ],
    )
    def test_other_settings_in_the_same_folder(
        self,
        whole: Path,
        space: Path,
        capsys: pytest.CaptureFixture[str],
        flag: str,
        message: str,
    ) -> None:
        folder = whole / FOLDER
        before = (folder / "log.jsonl").read_bytes()
        code = train_frcnn.main([*settings(space), f"--out={folder}", flag])
        err = self.refused(capsys, code)
        assert f"{folder} holds a run with {message}; " in err
        assert "--overwrite" in err
        assert (folder / "log.jsonl").read_bytes() == before

    def test_folder_of_a_running_process(
        self, space: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import fcntl

        def taken(*arguments: object) -> None:
            raise BlockingIOError

        with monkeypatch.context() as patch:
            patch.setattr(fcntl, "lockf", taken)
            code = train_frcnn.main([*settings(space), "--out=run"])
        assert "run is used for training by another process" in self.refused(capsys, code)
        with hold_run(Path("run")):
            pass

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (["--data=nowhere"], "no VOC data set at nowhere"),
            (["--data=s3://bucket/voc"], "s3://bucket/voc is an address; wanted a folder of this"),
            (["--model.name=resnet"], "--model.name resnet; wanted one of vgg16_frcnn, ssdlite"),
            (["--device=toaster"], "--device toaster"),
            (["--out=file"], "file could not be created"),
        ],
    )
    def test_training(
        self,
        space: Path,
        capsys: pytest.CaptureFixture[str],
        flags: list[str],
        message: str,
    ) -> None:
        Path("file").write_text("")
        code = train_frcnn.main([*settings(space), "--out=run", *flags])
        assert message in self.refused(capsys, code)

    def test_batch_that_processes_cannot_share(
        self, space: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in (("RANK", "0"), ("LOCAL_RANK", "0"), ("WORLD_SIZE", "3")):
            monkeypatch.setenv(name, value)
        code = train_frcnn.main(settings(space))
        assert "--batch_size 4 for 3 processes" in self.refused(capsys, code)

    def test_broken_picture(self, capsys: pytest.CaptureFixture[str], space: Path) -> None:
        folder = write_voc_tree(Path("voc"), {"train": TRAIN, "val": ["fear"]})
        picture = folder.image_path("train_0003")
        picture.write_bytes(picture.read_bytes()[:300])
        code = train_frcnn.main([*settings(space), "--data=voc", "--out=run", "--workers=1"])
        assert "train_0003.jpg is broken" in self.refused(capsys, code)

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (["--weights=best.pth"], "best.pth is absent, also below runs/; wanted a model file"),
            (["--weights=there/best.pth"], "there/best.pth is absent; wanted a file of weights"),
            (["--weights=file"], "file is a text file that begins"),
            (["--weights=BEST", "--split=trial"], "trial.txt is absent"),
            (["--weights=BEST", "--data=nowhere"], "no VOC data set at nowhere"),
            (["--weights=BEST", "--hide_faces"], "--hide_faces without --report"),
            (["--weights=BEST", "--report=."], "--report ., which is a folder"),
            (["--weights=BEST", "--report=file/page.html"], "file could not be created"),
            (["--weights=BEST", "--subset=[joy]", "--resamples=1"], "joy"),
        ],
    )
    def test_scoring(
        self,
        whole: Path,
        capsys: pytest.CaptureFixture[str],
        flags: list[str],
        message: str,
    ) -> None:
        Path("file").write_text("hello")
        flags = [flag.replace("BEST", str(whole / FOLDER / "best.pth")) for flag in flags]
        code = eval_rafdb.main([*flags, "--workers=0"])
        _, err = capsys.readouterr()
        assert code == 2
        assert err.splitlines()[-1].startswith("error: ")
        assert message in err.splitlines()[-1]
        assert "Traceback" not in err
