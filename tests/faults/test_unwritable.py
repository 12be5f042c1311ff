"""Full disks and folders without leave: one line, exit code 2, and the files from before intact."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
import torch
from fake_data import rafdb
from fake_data.bad_places import file_size_limit, open_folder, read_only, small_disk
from fake_data.faces import load_fake_detector
from fake_data.voc_tree import CLASSES, drawn_face, tree_hash, write_voc_tree

from fer_det.cli import eval as eval_rafdb
from fer_det.cli import predict
from fer_det.engine.run_folder import RunLog
from fer_det.errors import OutputError
from fer_det.imaging.decode import encode_jpeg, load_rgb8
from fer_det.io.files import TEMPORARY_SUFFIX, write_bytes
from fer_det.io.voc import VocFolder
from fer_det.models import build_model
from fer_det.models.vgg16_frcnn.config import Config
from fer_det.runtime.command import EXIT_USER_MISTAKE, run_command
from fer_det.weights.model_file import ModelFile, read_model_file, write_model_file
from voc_builder.balance.balance import balance
from voc_builder.balance.config import BalanceConfig
from voc_builder.build.build import build
from voc_builder.build.config import BuildConfig, Source
from voc_builder.readers.rafdb import Options

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux's limits and devices")
pytestmark = LINUX


@pytest.fixture
def place() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    rafdb.write(tmp_path / "raw", train=14, test=7)
    return tmp_path / "raw"


def convert(raw: Path, out: Path) -> None:
    config = BuildConfig(out=out, workers=0)
    # pytest keeps what is printed in a file, which would be limited too.
    with redirect_stdout(StringIO()):
        build(config, [Source("rafdb", raw, Options())], load_fake_detector)


def stale(folder: Path) -> list[Path]:
    return list(folder.rglob(f".*{TEMPORARY_SUFFIX}"))


class TestConverter:
    def test_full_disk_and_room_again(self, raw: Path, tmp_path: Path) -> None:
        convert(raw, tmp_path / "whole")
        with file_size_limit(), pytest.raises(OutputError, match="could not be written") as told:
            convert(raw, tmp_path / "voc")
        assert "\n" not in str(told.value)
        assert not stale(tmp_path)
        assert not (tmp_path / "voc" / "summary.json").exists()
        convert(raw, tmp_path / "voc")
        assert tree_hash(tmp_path / "voc") == tree_hash(tmp_path / "whole")

    def test_disk_that_fills_up_on_the_way(self, raw: Path, tmp_path: Path) -> None:
        with small_disk(60) as disk:
            with pytest.raises(OutputError, match="No space left"):
                convert(raw, disk / "voc")
            assert not stale(disk)
            written = list(disk.rglob("*.jpg"))
            assert written
            for path in written:
                load_rgb8(path)

    def test_finished_build_stands_though_it_cannot_be_changed(
        self, raw: Path, place: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rafdb.write(place / "raw", train=14, test=7)
        convert(place / "raw", place / "voc")
        before = tree_hash(place / "voc")
        VocFolder(place / "voc").image_path("rafdb_train_00003").unlink()
        with read_only(place / "voc"), pytest.raises(OutputError, match="Permission denied"):
            convert(place / "raw", place / "voc")
        convert(place / "raw", place / "voc")
        assert tree_hash(place / "voc") == before


class TestBalancer:
    @pytest.fixture
    def config(self, tmp_path: Path) -> BalanceConfig:
        splits = {"train": ["fear", "anger", "fear", "fear"], "val": ["fear"], "test": ["anger"]}
        write_voc_tree(tmp_path / "data", splits, ("fear", "anger"))
        return BalanceConfig(data=tmp_path / "data", out=tmp_path / "out", workers=0)

    def test_full_disk_and_room_again(self, config: BalanceConfig, tmp_path: Path) -> None:
        balance(replace(config, out=tmp_path / "whole"))
        with file_size_limit(1500), pytest.raises(OutputError, match="could not be written"):
            balance(config)
        assert not stale(config.out)
        assert not (config.out / "manifest.jsonl").exists()
        balance(config)
        assert tree_hash(config.out) == tree_hash(tmp_path / "whole")

    def test_folder_read_only(self, config: BalanceConfig, place: Path) -> None:
        balance(replace(config, out=place / "out"))
        before = tree_hash(place / "out")
        shutil.copytree(config.data, place / "data")
        VocFolder(place / "out").image_path("train_0000").unlink()
        again = replace(config, data=place / "data", out=place / "out")
        with read_only(place / "out"), pytest.raises(OutputError, match="Permission denied"):
            balance(again)
        balance(again)
        assert tree_hash(place / "out") == before


class TestCheckpoint:
    def checkpoint(self, numbers: int) -> ModelFile:
        return ModelFile({"w": torch.arange(numbers) / 2}, Config(), ("fear",))

    def test_full_disk_leaves_the_one_before(self, tmp_path: Path) -> None:
        path = tmp_path / "last.pth"
        write_model_file(path, self.checkpoint(10))
        before = path.read_bytes()
        with file_size_limit(), pytest.raises(OutputError, match=r"last\.pth could not be") as told:
            write_model_file(path, self.checkpoint(100_000))
        assert os.strerror(errno.EFBIG) in str(told.value)
        assert path.read_bytes() == before
        assert not stale(tmp_path)

    def test_small_disk_leaves_the_one_before(self) -> None:
        with small_disk(60) as disk:
            write_model_file(disk / "last.pth", self.checkpoint(10))
            with pytest.raises(OutputError, match="No space left on device"):
                write_model_file(disk / "last.pth", self.checkpoint(100_000))
            assert len(read_model_file(disk / "last.pth").tensors["w"]) == 10
            assert not stale(disk)

    def test_error_of_torch_alone_stays_itself(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("of another kind")

        monkeypatch.setattr(torch, "save", fail)
        with pytest.raises(RuntimeError, match="of another kind"):
            write_model_file(tmp_path / "last.pth", self.checkpoint(10))
        assert not any(tmp_path.iterdir())


def test_log_of_a_run_on_a_full_disk(tmp_path: Path) -> None:
    log = RunLog(tmp_path, 0, 0)
    for step in range(10):
        log.write("step", step, {"loss": 0.5})
    # TensorBoard writes from a thread of its own, which must be done before the disk is full.
    log._board.flush()
    with (
        file_size_limit(500),
        pytest.raises(OutputError, match=r"log\.jsonl could not be written"),
    ):
        log.write("step", 10, {"note": "x" * 1000})
    log.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_curves_of_a_run_on_a_full_disk(tmp_path: Path) -> None:
    log = RunLog(tmp_path, 0, 0)

    def write_all() -> None:
        for step in range(6):
            log.write("step", step, {"loss": 0.5, "rate": 0.1})
        log.close()

    # Its own file is short enough; that of the curves, with a name for each number, is not.
    with file_size_limit(500), pytest.raises(OutputError, match="tensorboard could not be written"):
        write_all()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that has learnt nothing."""
    torch.manual_seed(0)
    config = Config(input_size=32, head_width=16, batch_norm=False)
    path = tmp_path_factory.mktemp("weights") / "best.pth"
    write_model_file(path, ModelFile(build_model(config, CLASSES).state_dict(), config, CLASSES))
    return path


class TestScoresAndPicture:
    def test_scores(
        self, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_voc_tree(tmp_path / "voc", {"test": ["fear", "anger"]})
        (tmp_path / "scores.json").write_text("{}")
        flags = [f"--weights={weights}", f"--data={tmp_path / 'voc'}", "--workers=0"]
        with file_size_limit(2000):
            code = eval_rafdb.main([*flags, "--resamples=5", f"--out={tmp_path}", "--overwrite"])
        assert_refused(code, capsys, "scores.json could not be written (File too large)")
        assert (tmp_path / "scores.json").read_text() == "{}"
        assert not stale(tmp_path)

    def test_folder_of_scores_is_tried_before_the_work(
        self, weights: Path, place: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_voc_tree(place / "voc", {"test": ["fear", "anger"]})
        shutil.copy(weights, place / "best.pth")
        flags = [f"--weights={place / 'best.pth'}", f"--data={place / 'voc'}", "--workers=0"]
        (place / "out").mkdir()
        with read_only(place / "out"):
            code = eval_rafdb.main([*flags, f"--out={place / 'out'}"])
        captured = capsys.readouterr()
        assert code == EXIT_USER_MISTAKE
        assert "out could not be written (Permission denied)" in captured.err
        assert "scored" not in captured.out

    def test_picture(
        self, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        picture, drawn = tmp_path / "a.jpg", tmp_path / "predicted" / "a.jpg"
        picture.write_bytes(encode_jpeg(drawn_face(0)))
        drawn.parent.mkdir()
        drawn.write_bytes(b"before")
        flags = [f"--weights={weights}", f"--out={drawn.parent}", "--overwrite"]
        with file_size_limit():
            code = predict.main([str(picture), *flags])
        *lines, last = capsys.readouterr().err.splitlines()
        assert code == EXIT_USER_MISTAKE
        assert f"not written: {drawn} could not be written (File too large)" in lines
        # The tables do not fit either, and without them nothing was done.
        assert last.startswith("error: ")
        assert "predictions.csv could not be written (File too large)" in last
        assert drawn.read_bytes() == b"before"
        assert not stale(tmp_path)


def assert_refused(code: int, capsys: pytest.CaptureFixture[str], told: str) -> None:
    *_, line = capsys.readouterr().err.splitlines()
    assert code == EXIT_USER_MISTAKE
    assert line.startswith("error: ")
    assert told in line


@pytest.mark.parametrize("device", ["/dev/full", "/dev/null"])
def test_device_is_not_replaced_by_a_file(device: str) -> None:
    before = Path(device).stat()
    with pytest.raises(OutputError, match="is not a plain file"):
        write_bytes(Path(device), b"x")
    assert Path(device).stat() == before


class TestOutput:
    """What a command prints, and who takes it."""

    CODE = (
        "import sys; from fer_det.runtime.command import run_command\n"
        "sys.exit(run_command(lambda _: print('x' * 100_000) or 0, None))"
    )

    def test_full(self) -> None:
        with Path("/dev/full").open("wb") as full:
            ended = self.run(full)
        assert ended.returncode == EXIT_USER_MISTAKE
        assert ended.stderr.startswith("error: the output could not be used (No space left")
        assert ended.stderr.count("\n") == 1

    def test_nobody_reads(self) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        ended = self.run(writing)
        os.close(writing)
        assert (ended.returncode, ended.stderr) == (141, "")

    def run(self, output: object) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-c", self.CODE]
        return subprocess.run(argv, stdout=output, stderr=subprocess.PIPE, text=True, check=False)


def test_what_the_system_refuses_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def command(_: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "some/file")

    assert run_command(command, None) == EXIT_USER_MISTAKE
    told = capsys.readouterr().err
    assert told.startswith("error: some/file could not be used (Permission denied); wanted ")
    assert told.count("\n") == 1
