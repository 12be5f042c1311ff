"""The converter as its user types it, with the real MTCNN: killed, resumed, repeated."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fake_data.astronaut import portrait
from fake_data.voc_tree import modification_times, tree_hash
from PIL import Image

from fer_det.io.voc import VocFolder
from voc_builder.build.records import read_manifest
from voc_builder.build.resume import JOURNAL_NAME
from voc_builder.cli.build_voc import main

COUNT = 64


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RAF-DB's layout with one portrait, moved and dimmed, a few pictures without it or broken."""
    root = tmp_path_factory.mktemp("raw")
    whole = portrait()
    lines = []
    for number in range(1, COUNT + 1):
        name = f"train_{number:05d}" if number <= COUNT - 16 else f"test_{number:04d}"
        top, left = number % 8 * 3, number * 7 % 50
        pixels = whole[top : top + 160, left : left + 200]
        if number % 13 == 0:
            pixels = np.full_like(pixels, 90)
        path = root / "basic" / "Image" / "original" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels // (1 + number % 2)).save(path, quality=90)
        if number % 17 == 0:
            path.write_bytes(path.read_bytes()[:-500])
        crop = whole[38 + top // 4 : 108 + top // 4, 105:175]
        aligned = root / "basic" / "Image" / "aligned" / f"{name}_aligned.jpg"
        aligned.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop).resize((100, 100)).save(aligned)
        lines.append(f"{name}.jpg {number % 7 + 1}\n")
    (root / "basic" / "EmoLabel").mkdir()
    (root / "basic" / "EmoLabel" / "list_patition_label.txt").write_text("".join(lines))
    return root


@pytest.fixture(scope="module")
def whole(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a build leaves which nobody disturbed."""
    out = tmp_path_factory.mktemp("whole") / "voc"
    finish(raw, out)
    return out


def start(raw: Path, out: Path) -> subprocess.Popen[bytes]:
    flags = ["--rafdb", str(raw), "--out", str(out), "--workers", "2"]
    return subprocess.Popen(
        [sys.executable, "-m", "voc_builder.cli.build_voc", *flags],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(raw: Path, out: Path) -> None:
    process = start(raw, out)
    _, error = process.communicate(timeout=300)
    assert process.returncode == 0, error.decode()


def kill_when_pictures_are(raw: Path, out: Path, count: int) -> int:
    """Start the command, kill it when that many pictures are written; return how many there are."""
    process = start(raw, out)
    pictures = out / "VOCdevkit" / "VOC2007" / "JPEGImages"
    deadline = time.monotonic() + 120
    while len(list(pictures.glob("*.jpg"))) < count:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    # Workers find out by themselves that they are orphans.
    time.sleep(0.3)
    return len(list(pictures.glob("*.jpg")))


@pytest.mark.slow
def test_killed_at_several_moments_it_ends_in_the_same_tree(
    raw: Path, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "voc"
    done = 0
    for count in (1, 30):
        if count > done:
            done = kill_when_pictures_are(raw, out, count)
            assert (out / JOURNAL_NAME).exists()
            assert not (out / "summary.json").exists()
    finish(raw, out)
    assert tree_hash(out) == tree_hash(whole)


def test_a_further_run_writes_nothing(raw: Path, whole: Path) -> None:
    times = modification_times(whole)
    finish(raw, whole)
    assert modification_times(whole) == times


def test_number_of_workers_does_not_matter(raw: Path, whole: Path, tmp_path: Path) -> None:
    assert main(["--rafdb", str(raw), "--out", str(tmp_path), "--workers", "0"]) == 0
    assert tree_hash(tmp_path) == tree_hash(whole)


def test_every_picture_is_written_or_has_its_reason(raw: Path, tmp_path: Path) -> None:
    assert main(["--rafdb", str(raw), "--out", str(tmp_path), "--workers", "0"]) == 0
    records = read_manifest(tmp_path / "manifest.jsonl")
    assert len(records) == COUNT
    for number, record in enumerate(records, start=1):
        if number % 17 == 0:
            assert str(record.reason).startswith("the file is broken")
        elif number % 13 == 0:
            assert record.reason == "no face was found"
        else:
            assert record.status == "written"
            (labelled,) = record.faces
            assert labelled.box_source == "mtcnn"
            (face,) = VocFolder(tmp_path).read(record.id).objects
            assert face.box.as_tuple() == labelled.box


def test_no_aligned_crop_is_rejected(raw: Path, tmp_path: Path) -> None:
    argv = ["--rafdb", str(raw), "--out", str(tmp_path), "--rafdb_options.images", "aligned"]
    assert main([*argv, "--workers", "0"]) == 0
    assert {each.status for each in read_manifest(tmp_path / "manifest.jsonl")} == {"written"}


@pytest.mark.skipif("FERDET_WILD7" not in os.environ, reason="needs FERDET_WILD7")
class TestWild7:
    COUNT = 96

    def subset(self, tmp_path: Path) -> Path:
        """The first photos of train and test, as a data set of their own."""
        source = Path(os.environ["FERDET_WILD7"]) / "basic"
        target = tmp_path / "basic"
        name = "EmoLabel/list_patition_label.txt"
        lines = (source / name).read_text().splitlines()
        kept = lines[: self.COUNT // 2] + lines[-self.COUNT // 2 :]
        (target / name).parent.mkdir(parents=True)
        (target / name).write_text("\n".join(kept))
        for stem in (line.split(".")[0] for line in kept):
            for path in (
                f"Image/original/{stem}.jpg",
                f"Annotation/boundingbox/{stem}_boundingbox.txt",
            ):
                if (source / path).is_file():
                    (target / path).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source / path, target / path)
        return tmp_path

    def test_killed_twice_it_ends_in_the_same_tree(self, tmp_path: Path) -> None:
        raw = self.subset(tmp_path / "raw")
        finish(raw, tmp_path / "whole")
        for count in (5, 60):
            kill_when_pictures_are(raw, tmp_path / "killed", count)
        finish(raw, tmp_path / "killed")
        assert tree_hash(tmp_path / "killed") == tree_hash(tmp_path / "whole")

    def test_few_photos_are_rejected(self, tmp_path: Path) -> None:
        raw = self.subset(tmp_path / "raw")
        finish(raw, tmp_path / "voc")
        records = read_manifest(tmp_path / "voc" / "manifest.jsonl")
        assert len(records) == self.COUNT
        assert sum(each.status == "rejected" for each in records) <= 0.1 * self.COUNT
