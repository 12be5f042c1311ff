"""Training for classification: the labelled faces of a VOC folder, each in its own box."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from fer_det.config.training import ModelConfig
from fer_det.data.face_crops import FaceCrops
from fer_det.engine.scoring import score_crops
from fer_det.engine.share import own_batches
from fer_det.engine.tasks.detection import (
    GivenFace,
    score_answers,
    temperature_of,
    with_temperature,
)
from fer_det.models.vgg16 import fold_batch_norm
from fer_det.models.vgg16_classifier import without_loss
from fer_det.runtime.device import Hardware
from fer_det.runtime.distributed import Processes
from fer_det.weights.checkpoint import Checkpoint


@dataclass(frozen=True)
class ClassificationTask:
    """Names the expressions of faces whose boxes are given; see Task."""

    train: FaceCrops
    validation: FaceCrops
    model_config: ModelConfig
    hardware: Hardware
    processes: Processes
    batch_size: int
    """Of the validation, in faces."""
    workers: int

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels 1, 2, ..."""
        return self.train.classes

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Scores of the validation split's faces, the same on every process; none is missed."""
        batches = own_batches(self.validation, self.batch_size, self.processes, self.workers)
        given: list[GivenFace] = self.processes.gather(
            [
                (self.validation.pictures[index].label, row)
                for index, row in score_crops(model, self.hardware, self.validation, batches)
            ]
        )
        pairs = [(label, int(row.argmax()) + 1) for label, row in given]
        return {
            **score_answers(pairs, len(self.classes)),
            "temperature": temperature_of(given),
        }

    def best_checkpoint(self, state: Mapping[str, Tensor], info: Mapping[str, Any]) -> Checkpoint:
        """The classifier as plain VGG16, without what only training needs."""
        plain = self.model_config.without_batch_norm()
        kept = fold_batch_norm(without_loss(state))
        return Checkpoint(kept, plain, self.classes, with_temperature(info))
