from pathlib import Path

import numpy as np
import pytest
import torch
from fake_data.made_faces import write_made_faces
from torch import Tensor, nn

from fer_det.config.backbone import TrainBackboneConfig
from fer_det.engine.tasks.face_attributes import FaceAttributesTask
from fer_det.models.face_attributes.config import Config
from fer_det.runtime.device import Hardware
from fer_det.runtime.distributed import Processes

HARDWARE = Hardware(torch.device("cpu"), "float32")


class Oracle(nn.Module):
    """Returns each picture's target, with shifted measures and labels that are off by a number."""

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
    model = Config(input_size=32)
    config = TrainBackboneConfig(model=model, faces=tmp_path, batch_size=4, workers=0)
    return FaceAttributesTask.from_config(config)


def validate(
    task: FaceAttributesTask, model: nn.Module, processes: Processes | None = None
) -> dict[str, float]:
    return task.validate(model, HARDWARE, processes or Processes())


def test_perfect_predictions(task: FaceAttributesTask) -> None:
    scores = validate(task, Oracle(task).train())
    assert scores["accuracy"] == scores["mean_recall"] == scores["selection"] == 1
    for name in ("units_r2", "attributes_r2", "pose_r2"):
        assert scores[name] == pytest.approx(1)


def test_wrong_predictions(task: FaceAttributesTask) -> None:
    scores = validate(task, Oracle(task, off=1))
    assert scores["accuracy"] == 0
    # A shift by a training deviation reduces R2 by the squared ratio to the test deviation.
    shifted = validate(task, Oracle(task, shift=1.0))
    rows = np.stack([target["measures"] for _, target in entries(task)]).astype(np.float64)
    spread = rows.var(0)
    poses = spread[-3:]
    wanted = (1 - 1 / poses[poses > 0]).mean()
    assert shifted["pose_r2"] == pytest.approx(float(wanted), rel=1e-4)


def entries(task: FaceAttributesTask) -> list[tuple[Tensor, dict[str, Tensor]]]:
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
        validate(task, Oracle(task), processes)
    assert sorted(len(share) for share in shares) == [4, 6]


def test_no_epoch_is_selected(task: FaceAttributesTask) -> None:
    assert not task.selects_best
    assert task.classes[0] == "surprise"


def test_the_backbone_alone_is_deployed(task: FaceAttributesTask) -> None:
    model = task.build_model()
    assert any(name.startswith("measures.") for name in model.state_dict())
    tensors, config = model.deployable()
    assert len(tensors) == 26
    assert all(name.startswith("backbone.features.") for name in tensors)
    assert not config.batch_norm
