"""SIGKILL at any moment: the repeated command gives the same bytes, and nothing stale is left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import pytest
import torch
from fake_data import bright_detector, rafdb
from fake_data.amounts import FULL, amount, tell
from fake_data.faces import load_fake_detector
from fake_data.killed import count_events, kill, kill_after_change, moments
from fake_data.train_stub import POINTS
from fake_data.voc_tree import tree_hash, write_voc_tree

from fer_det import models
from fer_det.cli import predict
from fer_det.imaging.decode import encode_jpeg
from fer_det.io.files import TEMPORARY_SUFFIX, sweep_temporaries
from fer_det.models.vgg16_frcnn.config import Config
from fer_det.weights.model_file import ModelFile, read_model_file, write_model_file
from fer_det.weights.storage import content_hash
from voc_builder.balance.balance import BalanceConfig, balance
from voc_builder.build.build import BuildConfig, Source, build
from voc_builder.readers.rafdb import Options

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="forks"),
]

ROOT = Path(__file__).parents[2]


def stale(folder: Path) -> list[Path]:
    return list(folder.rglob(f".*{TEMPORARY_SUFFIX}"))


def kill_and_finish(
    work: Callable[[Path], object], folder: Path, count: int, seed: int
) -> tuple[int, int]:
    """Kill the work at `count` moments, each time in a new place, and do it again to its end.

    -> (how many died before their end, how many left a half-written file behind).
    """
    began = time.monotonic()
    work(folder / "whole")
    seconds = time.monotonic() - began
    wanted = tree_hash(folder / "whole")
    counted = partial(work, folder / "counted")
    events = count_events(counted, folder / "counted")
    assert events > 20
    died = torn = 0
    for number, moment in enumerate(moments(count, events, seconds, seed)):
        out = folder / f"killed{number}"
        died += kill(partial(work, out), out, moment)
        torn += bool(stale(out))
        work(out)
        assert tree_hash(out) == wanted, moment
        assert not stale(out)
        shutil.rmtree(out)
    return died, torn


def test_converter(tmp_path: Path) -> None:
    rafdb.write(tmp_path / "raw", train=21, test=7, broken=["train_00004"], faceless=["test_0002"])

    def convert(out: Path) -> None:
        config = BuildConfig(out=out, workers=0)
        build(config, [Source("rafdb", tmp_path / "raw", Options())], load_fake_detector)

    count = amount(2, 50)
    died, torn = kill_and_finish(convert, tmp_path, count, seed=1)
    assert died >= count / 2
    tell(f"converter: {count} kills, {died} before the end, {torn} with half a file, all the same")


def test_balancer(tmp_path: Path) -> None:
    splits = {"train": ["fear", "anger", "fear", "fear", "fear"], "val": ["fear"]}
    write_voc_tree(tmp_path / "data", splits, ("fear", "anger"))

    def work(out: Path) -> None:
        balance(BalanceConfig(data=tmp_path / "data", out=out, target=12, workers=0))

    count = amount(2, 20)
    died, torn = kill_and_finish(work, tmp_path, count, seed=2)
    assert died >= count / 2
    tell(f"balancer: {count} kills, {died} before the end, {torn} with half a file, all the same")


def test_predict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(models.MODELS, bright_detector.NAME, bright_detector.REGISTERED)
    weights, photos = tmp_path / "best.pth", tmp_path / "photos"
    bright_detector.save_bright_checkpoint(weights)
    photos.mkdir()
    for number in range(24):
        face = bright_detector.spots((number, 30, bright_detector.HAPPY))
        (photos / f"{number:02}.jpg").write_bytes(encode_jpeg(face))

    def work(out: Path) -> None:
        flags = [f"--out={out}", "--overwrite", f"--weights={weights}", "--batch_size=1"]
        assert predict.main([str(photos), *flags, "--precision=float32"]) == 0
        table = out / "predictions.jsonl"
        table.write_text(table.read_text().replace(str(out), "out"))

    count = amount(4, 50)
    died, torn = kill_and_finish(work, tmp_path, count, seed=3)
    assert died >= count / 2
    tell(f"predict: {count} kills, {died} before the end, {torn} with half a file, all the same")


def test_model_file(tmp_path: Path) -> None:
    """The file is the one before or the one after, whenever its writer dies."""
    path, count = tmp_path / "last.pth", amount(8, 200)

    def write_on_and_on() -> None:
        number = int(read_model_file(path).info["number"])
        while True:
            number += 1
            write_model_file(path, model_file(number))

    write_model_file(path, model_file(0))
    before, torn = 0, 0
    for number in range(count):
        assert kill_after_change(write_on_and_on, path, number % 20 / 400)
        torn += bool(stale(tmp_path))
        sweep_temporaries(tmp_path)
        now = read_model_file(path)
        assert float(now.tensors["w"][0]) == now.info["number"]
        assert now.info["number"] > before
        before = int(now.info["number"])
        assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert before >= count
    tell(f"model file: {count} kills in {before} writes, {torn} with half a file, 0 unloadable")


def model_file(number: int) -> ModelFile:
    tensors = {"w": torch.full((20_000,), float(number))}
    return ModelFile(tensors, Config(), ("fear",), {"number": number})


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all runs, with their pictures."""
    folder = tmp_path_factory.mktemp("training")
    train = ["happiness", "anger", "fear", "happiness", "happiness", "anger", "fear", "anger"]
    write_voc_tree(folder / "voc", {"train": train, "val": ["happiness", "anger", "fear"]})
    return folder


class TestTraining:
    def start(
        self, space: Path, name: str, flags: list[str], die: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Train in a folder of that name; die: "point|rank", once."""
        folder = space / name
        folder.mkdir(exist_ok=True)
        argv = [f"--data={space / 'voc'}", "--out=run", "--epochs=2", "--batch_size=2"]
        argv += ["--save_minutes=0", "--precision=float32", "--model.name=stub"]
        argv += ["--model.input_size=32", *flags]
        marker = folder / "alive"
        if die:
            marker.touch()
        return subprocess.run(
            [sys.executable, str(ROOT / "tests" / "fake_data" / "train_stub.py"), *argv],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={
                **os.environ,
                "OMP_NUM_THREADS": "1",
                "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
                **({"FERDET_DIE": f"{die}|{marker}"} if die else {}),
            },
        )

    def contents(self, space: Path, name: str) -> dict[str, bytes]:
        run = space / name / "run"
        assert not stale(run)
        return {each: (run / each).read_bytes() for each in ("best.pth", "last.pth", "log.jsonl")}

    def test_killed_at_chosen_points(self, space: Path) -> None:
        wholes: dict[int, dict[str, bytes]] = {}
        points, several = (POINTS, (0, 2)) if FULL else (("save",), (0,))
        for point, workers in product(points, several):
            flags = [f"--workers={workers}"]
            if workers not in wholes:
                ended = self.start(space, f"whole{workers}", flags)
                assert ended.returncode == 0, ended.stderr
                wholes[workers] = self.contents(space, f"whole{workers}")
            name = f"{point} {workers}".replace(" ", "_")
            killed = self.start(space, name, flags, die=f"{point}|0")
            assert killed.returncode == -signal.SIGKILL, killed.stderr
            assert bool(stale(space / name)) is (point == "save")
            ended = self.start(space, name, flags)
            assert ended.returncode == 0, ended.stderr
            assert self.contents(space, name) == wholes[workers], (point, workers)
        if not FULL:
            return
        assert self.start(space, "whole1", ["--workers=1"]).returncode == 0
        hashes = {
            content_hash(read_model_file(space / f"whole{workers}" / "run" / "last.pth").tensors)
            for workers in (0, 1, 2)
        }
        assert len(hashes) == 1
        tell(f"training: killed at {len(POINTS)} points x 0 and 2 workers, all the same bytes")

    @pytest.mark.skipif(not FULL, reason="takes minutes; test_training.py has its short form")
    def test_rank_of_two_is_killed(self, space: Path) -> None:
        flags = ["--workers=0", "--processes=2"]
        ended = self.start(space, "two", [*flags, "--retries=1"])
        assert ended.returncode == 0, ended.stderr
        wanted = self.contents(space, "two")
        cases = [
            ("first step", 1),
            ("mid-epoch", 1),
            ("mid-epoch", 0),
            ("last step", 1),
            ("save", 0),
        ]
        for point, rank in cases:
            name = f"two_{point}_{rank}".replace(" ", "_")
            ended = self.start(space, name, [*flags, "--retries=1"], die=f"{point}|{rank}")
            assert ended.returncode == 0, ended.stderr
            assert f"training process {rank} was killed by SIGKILL" in ended.stderr
            assert "retry 1 of 1" in ended.stderr
            assert self.contents(space, name) == wanted, (point, rank)
        ended = self.start(space, "alone", flags, die="mid-epoch|1")
        assert ended.returncode == 2
        *_, line = ended.stderr.splitlines()
        assert line.startswith("error: training process 1 was killed by SIGKILL; wanted ")
        read_model_file(space / "alone" / "run" / "last.pth")
        tell(f"ranks: {len(cases)} of {len(cases)} runs with a killed rank end in the same bytes")
