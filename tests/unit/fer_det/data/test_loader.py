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
from fer_det.data import loader
from fer_det.data.augment import Augmentation
from fer_det.data.loader import TIMEOUT, Batch, Entry, in_order, make_loader
from fer_det.data.sampler import Draw, EpochSampler
from fer_det.data.voc_dataset import VocDataset
from fer_det.errors import DatasetNotFoundError, ImageError, WorkerError

SIZE = 32
TARGET = {"boxes", "labels", "label_probabilities", "index", "seed"}


@pytest.fixture
def dataset(tmp_path: Path) -> VocDataset:
    write_voc_tree(tmp_path, {"train": ["fear", "anger", "neutral", "fear", "fear"]})
    return VocDataset(tmp_path, "train", SIZE, (0, 0, 0), None, Augmentation(AugmentConfig()))


def load(dataset: VocDataset, workers: int, timeout: float = TIMEOUT) -> list[Batch]:
    sampler = EpochSampler([picture.label for picture in dataset.pictures], 2, 0.0, seed=0)
    return list(make_loader(dataset, sampler, workers, pin_memory=False, timeout=timeout))


def test_batches_are_the_same_for_any_number_of_workers(dataset: VocDataset) -> None:
    alone, helped = load(dataset, 0), load(dataset, 2)
    assert len(alone) == len(helped) == 3
    for (pictures, targets), (same_pictures, same_targets) in zip(alone, helped, strict=True):
        assert (pictures.shape, pictures.dtype) == ((2, 3, SIZE, SIZE), torch.uint8)
        assert torch.equal(pictures, same_pictures)
        for target, same in zip(targets, same_targets, strict=True):
            assert target.keys() == same.keys() == TARGET
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
    """Kills the process that asks for one of its pictures."""

    def __getitem__(self, draw: Draw) -> Entry:
        if draw.index == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(draw)


class Slow(VocDataset):
    """Takes longer than the loader waits."""

    def __getitem__(self, draw: Draw) -> Entry:
        time.sleep(30)
        return super().__getitem__(draw)


class Wrong(VocDataset):
    """Has a programming error."""

    def __getitem__(self, draw: Draw) -> Entry:
        raise RuntimeError("DataLoader worker, or so it seems")


class TestLostWorker:
    @pytest.fixture(autouse=True)
    def impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let torch look for dead workers more often than each five seconds."""
        waiting = dataloader._MultiProcessingDataLoaderIter._try_get_data
        monkeypatch.setattr(waiting, "__defaults__", (0.2,))

    def test_killed_is_one_line(self, dataset: VocDataset) -> None:
        dataset.__class__ = Deadly
        with pytest.raises(WorkerError, match="a loader process died or gave no batch") as told:
            load(dataset, 1, timeout=10)
        assert "fewer --workers" in str(told.value)
        assert "\n" not in str(told.value)

    def test_that_gives_no_batch_is_not_waited_for(self, dataset: VocDataset) -> None:
        dataset.__class__ = Slow
        with pytest.raises(WorkerError, match="a loader process died or gave no batch"):
            load(dataset, 1, timeout=1)

    @pytest.mark.parametrize("workers", [0, 1])
    def test_programming_errors_are_not_taken_for_it(
        self, dataset: VocDataset, workers: int
    ) -> None:
        dataset.__class__ = Wrong
        with pytest.raises(RuntimeError, match="or so it seems") as told:
            load(dataset, workers)
        assert not isinstance(told.value, WorkerError)

    def test_never_interrupts_what_is_done_between_batches(self, dataset: VocDataset) -> None:
        batches = make_loader(dataset, in_order(5, 1), 2, pin_memory=False, timeout=10)
        next(batches)
        workers = multiprocessing.active_children()
        assert workers
        for worker in workers:
            os.kill(worker.pid, signal.SIGKILL)
        # Torch's own handler would raise here, anywhere in the main thread.
        for _ in range(50):
            time.sleep(0.002)
        with pytest.raises(WorkerError):
            list(batches)


class TestSharedMemory:
    def test_without_room_is_one_line_at_once(
        self, dataset: VocDataset, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = type("Usage", (), {"free": 20_000})
        monkeypatch.setattr(loader.shutil, "disk_usage", lambda path: usage)
        with pytest.raises(WorkerError, match=r"0\.0 MB of shared memory left") as told:
            load(dataset, 2)
        assert "--workers 0" in str(told.value)
        assert len(load(dataset, 0)) == 3

    def test_a_batch_costs_two_file_descriptors(self, dataset: VocDataset) -> None:
        entries = [dataset[Draw(index, 0)] for index in range(5)]
        packed = loader._Packed.pack(entries)
        assert [type(part) for part in vars(packed).values()].count(torch.Tensor) == 2
        _, targets = packed.unpack(pin_memory=False)
        for (_, wanted), found in zip(entries, targets, strict=True):
            for name, array in wanted.items():
                assert found[name].numpy().dtype == array.dtype
                assert np.array_equal(found[name].numpy(), array)


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
