from pathlib import Path

import pytest
import torch
from fake_data.voc_tree import write_voc_tree

from fer_det.config import AugmentConfig
from fer_det.data.augment import Augmentation
from fer_det.data.loader import Batch, in_order, make_loader
from fer_det.data.pictures import Draw
from fer_det.data.sampler import EpochSampler
from fer_det.data.voc_dataset import VocDataset
from fer_det.errors import DatasetNotFoundError, ImageError

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
