import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from fake_data.voc_tree import write_voc_tree
from torch.utils.data import dataloader

from fer_det.config.training import AugmentConfig
from fer_det.data.augment import Augmentation
from fer_det.data.loader import MOST_DEATHS, Batch, in_order, make_loader
from fer_det.data.pictures import Draw
from fer_det.data.sampler import EpochSampler
from fer_det.data.voc_dataset import VocDataset
from fer_det.errors import DatasetNotFoundError, ImageError, WorkerError

SIZE = 32


@pytest.fixture
def dataset(tmp_path: Path) -> VocDataset:
    write_voc_tree(tmp_path, {"train": ["fear", "anger", "neutral", "fear", "fear"]})
    return VocDataset(tmp_path, "train", SIZE, (0, 0, 0), None, Augmentation(AugmentConfig()))


def load(dataset: VocDataset, workers: int) -> list[Batch]:
    sampler = EpochSampler([picture.label for picture in dataset.pictures], 2, 0.0, seed=0)
    return list(make_loader(dataset, sampler, workers, pin_memory=False))


def test_batches_are_the_same_for_any_number_of_workers(dataset: VocDataset) -> None:
    alone, helped = load(dataset, 0), load(dataset, 2)
    assert len(alone) == len(helped) == 3
    for (pictures, targets), (same_pictures, same_targets) in zip(alone, helped, strict=True):
        assert (pictures.shape, pictures.dtype) == ((2, 3, SIZE, SIZE), torch.uint8)
        assert torch.equal(pictures, same_pictures)
        for target, same in zip(targets, same_targets, strict=True):
            assert target.keys() == same.keys() == {"boxes", "labels", "index", "seed"}
            assert all(torch.equal(target[name], same[name]) for name in target)


@pytest.mark.parametrize("workers", [0, 1])
def test_mistakes_come_through_as_themselves(dataset: VocDataset, workers: int) -> None:
    path = dataset.pictures[2].path
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ImageError, match=r"train_0002.jpg is broken") as told:
        load(dataset, workers)
    assert "\n" not in str(told.value)
    path.unlink()
    with pytest.raises(DatasetNotFoundError, match=r"train_0002.jpg is absent; wanted"):
        load(dataset, workers)


@pytest.mark.parametrize(
    ("count", "wanted"), [(5, [[0, 1], [2, 3], [4]]), (4, [[0, 1], [2, 3]]), (1, [[0]]), (0, [])]
)
def test_in_order(count: int, wanted: list[list[int]]) -> None:
    assert list(in_order(count, 2)) == [[Draw(index, 0) for index in batch] for batch in wanted]


class Deadly(VocDataset):
    """Kills the process that asks for a picture, as often as there are files in a folder."""

    picture: int
    lives: Path

    def __getitem__(self, draw: Draw) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        entry = super().__getitem__(draw)
        if draw.index == self.picture and (left := sorted(self.lives.iterdir())):
            left[0].unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return entry


@pytest.fixture
def deadly(dataset: VocDataset, tmp_path: Path) -> Deadly:
    dataset.__class__ = Deadly
    dataset.picture, dataset.lives = 2, tmp_path / "lives"
    dataset.lives.mkdir()
    return dataset


class TestKilledWorker:
    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Torch looks for dead workers each five seconds; the tests have less time."""
        waiting = dataloader._MultiProcessingDataLoaderIter._try_get_data
        monkeypatch.setattr(waiting, "__defaults__", (0.2,))

    @pytest.mark.parametrize("deaths", [1, 2])
    def test_costs_no_batch(
        self, deadly: Deadly, deaths: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        wanted = load(deadly, 0)
        for number in range(deaths):
            (deadly.lives / str(number)).touch()
        found = load(deadly, 2)
        assert not any(deadly.lives.iterdir())
        assert len(found) == len(wanted) == 3
        for (pictures, targets), (same, same_targets) in zip(found, wanted, strict=True):
            assert torch.equal(pictures, same)
            assert [int(t["index"]) for t in targets] == [int(t["index"]) for t in same_targets]
        told = capsys.readouterr().err
        assert told.count("others do its work again") == told.count("\n") == deaths

    def test_that_dies_again_and_again_is_told_in_one_line(self, deadly: Deadly) -> None:
        for number in range(20):
            (deadly.lives / str(number)).touch()
        with pytest.raises(WorkerError, match="loader processes died 3 times in a row") as told:
            load(deadly, 1)
        assert "fewer --workers" in str(told.value)
        assert "\n" not in str(told.value)
        assert len(list(deadly.lives.iterdir())) == 20 - MOST_DEATHS

    def test_never_interrupts_what_is_done_between_batches(self, dataset: VocDataset) -> None:
        batches = make_loader(dataset, in_order(5, 1), 2, pin_memory=False)
        first = next(batches)
        workers = multiprocessing.active_children()
        assert workers
        for worker in workers:
            os.kill(worker.pid, signal.SIGKILL)
        # Where torch's own handler raised: anywhere in the main thread, once the signal came.
        for _ in range(50):
            time.sleep(0.002)
        rest = list(batches)
        indices = [int(target["index"]) for _, targets in [first, *rest] for target in targets]
        assert indices == [0, 1, 2, 3, 4]


def test_workers_start_beside_threads_that_are_busy(dataset: VocDataset) -> None:
    """A fork copies one thread and the locks of all; the workers must need none of theirs."""
    stop = threading.Event()

    def be_busy() -> None:
        pixels = np.zeros((600, 600, 3), np.uint8)
        while not stop.is_set():
            cv2.GaussianBlur(pixels, (9, 9), 2)
            torch.ones(300, 300) @ torch.ones(300, 300)

    thread = threading.Thread(target=be_busy)
    thread.start()
    try:
        for _ in range(5):
            assert len(load(dataset, 2)) == 3
    finally:
        stop.set()
        thread.join()
