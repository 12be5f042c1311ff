from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_data.made_faces import write_made_faces
from torch import Tensor, nn

from fer_det.config.backbone import FaceAttributesConfig
from fer_det.config.training import AugmentConfig
from fer_det.data.augment import Augmentation
from fer_det.data.loader import Entry
from fer_det.data.made_faces import load_made_faces
from fer_det.engine.tasks.face_attributes import FaceAttributesTask
from fer_det.runtime.device import Hardware
from fer_det.runtime.distributed import Processes

HARDWARE = Hardware(torch.device("cpu"), "float32")


class Oracle(nn.Module):
    """Knows each picture's target, and shifts its measures; its labels are off by so many."""

    def __init__(self, task: FaceAttributesTask, shift: float = 0.0, off: int = 0) -> None:
        super().__init__()
        self.shift, self.off, self.classes = shift, off, len(task.classes)

    def forward(self, images: Tensor, targets: list[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
        assert not self.training
        assert float(images.max()) <= 1
        answers = []
        for target in targets:
            place = (int(target["labels"][0]) - 1 + self.off) % self.classes
            probabilities = nn.functional.one_hot(torch.tensor([place]), self.classes).float()
            measures = target["measures"][None] + self.shift
            answers.append({"probabilities": probabilities, "measures": measures})
        return answers


@pytest.fixture
def task(tmp_path: Path) -> FaceAttributesTask:
    write_made_faces(tmp_path, train=14, test=10)
    config = FaceAttributesConfig(input_size=32).as_model()
    train, test = load_made_faces(tmp_path, 32, config.padding, Augmentation(AugmentConfig()))
    return FaceAttributesTask(train, test, config, HARDWARE, Processes(), batch_size=4, workers=0)


def test_all_known(task: FaceAttributesTask) -> None:
    scores = task.validate(Oracle(task).train())
    assert scores["accuracy"] == scores["mean_recall"] == scores["selection"] == 1
    for name in ("units_r2", "attributes_r2", "pose_r2"):
        assert scores[name] == pytest.approx(1)


def test_nothing_known(task: FaceAttributesTask) -> None:
    scores = task.validate(Oracle(task, off=1))
    assert scores["accuracy"] == 0
    # A shift by a training deviation costs the squared ratio to the test split's deviation.
    shifted = task.validate(Oracle(task, shift=1.0))
    rows = np.stack([target["measures"] for _, target in entries(task)]).astype(np.float64)
    spread = rows.var(0)
    poses = spread[-3:]
    wanted = (1 - 1 / poses[poses > 0]).mean()
    assert shifted["pose_r2"] == pytest.approx(float(wanted), rel=1e-4)


def entries(task: FaceAttributesTask) -> list[Entry]:
    from fer_det.data.sampler import Draw

    return [task.validation[Draw(place, 0)] for place in range(len(task.validation))]


def test_two_processes_score_all_faces(
    task: FaceAttributesTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: list[list[object]] = []
    for rank in (0, 1):
        processes = Processes(rank=rank, world=2)
        monkeypatch.setattr(
            Processes,
            "gather",
            lambda self, found: shares.append(found) or found,  # type: ignore[func-returns-value]
        )
        replace(task, processes=processes).validate(Oracle(task))
    assert sorted(len(share) for share in shares) == [4, 6]


def test_no_epoch_is_preferred(task: FaceAttributesTask) -> None:
    assert task.best_checkpoint({}, {}) is None  # type: ignore[func-returns-value]
    assert task.classes[0] == "surprise"
