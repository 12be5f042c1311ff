from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fake_data.disk import do_not_wait
from fake_data.spots import die, draw_spot
from fake_data.voc_tree import modification_times, tree_hash

from fer_det.core.sample import MADE_RECORD
from fer_det.errors import ConfigError, OutputError, WorkerError
from fer_det.io.files import TEMPORARY_SUFFIX
from made_faces.config import MakeConfig
from made_faces.make import make_faces
from made_faces.recipe import Recipe
from made_faces.render import MadePicture, Maker


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    do_not_wait(monkeypatch)


def make(out: Path, maker: Maker = draw_spot, **flags: Any) -> None:
    settings = {"images": 21, "sequences": 7, "layout": "both", "workers": 0, **flags}
    make_faces(MakeConfig(out=out, **settings), maker)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both layouts, made without interruption."""
    out = tmp_path_factory.mktemp("whole") / "made"
    make(out)
    return out


@pytest.fixture
def made(whole: Path, tmp_path: Path) -> Path:
    """A copy of them."""
    return Path(shutil.copytree(whole, tmp_path / "made"))


class Count:
    """Counts the pictures and stops after some of them."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.done = 0
        self.stop_after = stop_after

    def __call__(self, recipe: Recipe) -> MadePicture:
        if self.done == self.stop_after:
            raise KeyboardInterrupt
        self.done += 1
        return draw_spot(recipe)


class TestAgain:
    def test_same_command_writes_nothing(
        self, made: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        times = modification_times(made)
        counted = Count()
        make(made, counted)
        assert counted.done == 0
        assert modification_times(made) == times
        message = capsys.readouterr().out.splitlines()
        assert [line.endswith("up to date, nothing was written") for line in message] == [
            True,
            True,
        ]

    def test_another_seed_is_another_set(self, whole: Path, tmp_path: Path) -> None:
        make(tmp_path, seed=1, layout="rafdb")
        ours, others = (
            {photo.read_bytes() for photo in (root / "rafdb").rglob("*.jpg")}
            for root in (whole, tmp_path)
        )
        assert not ours & others

    def test_second_layout_is_added(self, whole: Path, tmp_path: Path) -> None:
        make(tmp_path, layout="rafdb")
        assert not (tmp_path / "ckplus").exists()
        counted = Count()
        make(tmp_path, counted)
        assert counted.done == len(list((tmp_path / "ckplus").rglob("*.png")))
        assert tree_hash(tmp_path) == tree_hash(whole)

    def test_same_bytes_elsewhere_from_two_processes(self, whole: Path, tmp_path: Path) -> None:
        make(tmp_path, workers=2)
        assert tree_hash(tmp_path) == tree_hash(whole)


class TestInterrupted:
    def test_resumes_and_ends_with_the_same_files(self, whole: Path, tmp_path: Path) -> None:
        first, second = Count(stop_after=5), Count()
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path, first, layout="rafdb")
        assert not (tmp_path / "rafdb" / "basic" / "EmoLabel" / "list_patition_label.txt").exists()
        make(tmp_path, second, layout="rafdb")
        assert (first.done, second.done) == (5, 16)
        assert tree_hash(tmp_path / "rafdb") == tree_hash(whole / "rafdb")

    def test_within_a_sequence(self, whole: Path, tmp_path: Path) -> None:
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path, Count(stop_after=3), layout="ckplus")
        assert len(list(tmp_path.rglob("*.png"))) == 3
        assert not (tmp_path / "ckplus" / "Emotion").exists()
        second = Count()
        make(tmp_path, second, layout="ckplus")
        assert second.done == len(list(tmp_path.rglob("*.png"))) - 3
        assert tree_hash(tmp_path / "ckplus") == tree_hash(whole / "ckplus")

    @pytest.mark.parametrize(
        "name",
        [
            "rafdb/basic/Image/original/train_00003.jpg",
            "rafdb/basic/Image/aligned/test_0002_aligned.jpg",
            "rafdb/basic/Annotation/boundingbox/train_00001_boundingbox.txt",
            "rafdb/basic/Annotation/manual/train_00001_manu_attri.txt",
            "rafdb/basic/faces.jsonl",
            "rafdb/basic/EmoLabel/list_patition_label.txt",
            "ckplus/cohn-kanade-images/S001/001/S001_001_00000004.png",
            "ckplus/Landmarks/S002/001/S002_001_00000001_landmarks.txt",
        ],
    )
    def test_missing_files_are_made_again(self, whole: Path, made: Path, name: str) -> None:
        (made / name).unlink()
        counted = Count()
        make(made, counted)
        assert counted.done <= 1
        assert tree_hash(made) == tree_hash(whole)

    def test_partial_files_are_removed(self, whole: Path, made: Path) -> None:
        litter = made / "rafdb" / "basic" / "Image" / f".train_00001.jpg.7{TEMPORARY_SUFFIX}"
        litter.write_bytes(b"half")
        make(made)
        assert tree_hash(made) == tree_hash(whole)

    def test_killed_worker_is_reported_and_the_run_resumed(
        self, whole: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(WorkerError, match="run the same command again"):
            make(tmp_path, die, workers=2, layout="rafdb")
        make(tmp_path, layout="rafdb")
        assert tree_hash(tmp_path / "rafdb") == tree_hash(whole / "rafdb")

    def test_killed_main_process(self, whole: Path, tmp_path: Path) -> None:
        code = (
            "import sys; from pathlib import Path;"
            "from made_faces.config import MakeConfig; from made_faces.make import make_faces;"
            "from fake_data.spots import draw_spot;"
            "make_faces(MakeConfig(out=Path(sys.argv[1]), images=21, workers=2), draw_spot)"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=environment)
        deadline = time.monotonic() + 60
        while len(list(tmp_path.rglob("*.jpg"))) < 2:
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        # Workers notice by themselves that their parent is gone.
        time.sleep(0.5)
        assert len(list(tmp_path.rglob("*.jpg"))) < 42
        make(tmp_path, layout="rafdb")
        assert tree_hash(tmp_path / "rafdb") == tree_hash(whole / "rafdb")


class TestOtherSettings:
    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            ({"seed": 3}, "holds faces made with seed 0; wanted seed 3;"),
            ({"images": 28}, "holds faces made with images 21; wanted images 28;"),
            ({"variety": 1.0}, "holds faces made with variety 0.5; wanted variety 1.0;"),
            ({"sequences": 9}, "ckplus holds faces made with sequences 7; wanted sequences 9;"),
        ],
    )
    def test_are_refused(self, made: Path, flags: dict[str, Any], message: str) -> None:
        before = tree_hash(made)
        with pytest.raises(OutputError) as caught:
            make(made, **flags)
        assert message in str(caught.value)
        assert "--overwrite" in caught.value.remedy
        assert tree_hash(made) == before

    def test_overwrite_replaces(self, made: Path, tmp_path: Path) -> None:
        make(made, images=14, layout="rafdb", overwrite=True)
        make(tmp_path / "fresh", images=14, layout="rafdb")
        assert tree_hash(made / "rafdb") == tree_hash(tmp_path / "fresh" / "rafdb")

    def test_overwrite_of_the_same_goes_on(self, made: Path) -> None:
        counted = Count()
        make(made, counted, overwrite=True)
        assert counted.done == 0

    def test_damaged_record(self, made: Path) -> None:
        (made / "rafdb" / MADE_RECORD).write_text("{")
        with pytest.raises(OutputError, match="holds faces made with unknown settings"):
            make(made)

    @pytest.mark.parametrize("overwrite", [False, True])
    def test_files_of_others_are_left_alone(self, tmp_path: Path, overwrite: bool) -> None:
        (tmp_path / "rafdb" / "basic").mkdir(parents=True)
        (tmp_path / "rafdb" / "basic" / "precious").write_text("real faces")
        before = tree_hash(tmp_path)
        with pytest.raises(OutputError, match="files that this command did not make"):
            make(tmp_path, overwrite=overwrite)
        assert tree_hash(tmp_path) == before


class TestRecord:
    def test_holds_settings_and_versions(self, whole: Path) -> None:
        record = json.loads((whole / "rafdb" / MADE_RECORD).read_text())
        assert record["settings"] == {"format": 1, "seed": 0, "images": 21, "variety": 0.5}
        assert "fer_det" in record["made_with"]
        assert "say nothing about people" in record["caution"]


class TestConfig:
    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            ({"images": 13}, "images 13; wanted 14 or more"),
            ({"sequences": 6}, "sequences 6; wanted 7 or more"),
            ({"seed": -1}, "seed -1; wanted 0 or more"),
            ({"variety": 1.2}, "variety 1.2; wanted a number from 0 to 1"),
            ({"variety": float("nan")}, "variety nan"),
            ({"workers": -1}, "workers -1"),
        ],
    )
    def test_invalid_values_are_refused(self, flags: dict[str, Any], message: str) -> None:
        with pytest.raises(ConfigError) as caught:
            MakeConfig(**flags)
        assert message in str(caught.value)
