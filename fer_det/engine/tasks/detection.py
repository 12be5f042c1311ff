"""Training for detection: a VOC folder's splits, judged by the class of the best box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_det.config.training import ModelConfig
from fer_det.data.voc_dataset import VocDataset
from fer_det.engine.scoring import score_pictures, top1_pairs
from fer_det.engine.share import own_batches
from fer_det.evaluation.calibration import fit_temperature
from fer_det.evaluation.recognition import confusion_matrix, faces_by_class, measure
from fer_det.models.vgg16 import fold_batch_norm
from fer_det.runtime.device import Hardware
from fer_det.runtime.distributed import Processes
from fer_det.weights.checkpoint import TEMPERATURE, Checkpoint

SHRINKAGE_FACES = 10
"""When the best epoch is chosen, each class's recall is drawn towards the accuracy of all as if
that many more of its faces had been seen. Where one validation face is all of a class, its luck
would otherwise outweigh everything that is learnt of the others."""

GivenFace: TypeAlias = tuple[int, NDArray[np.floating[Any]]]
"""A labelled face: its label 1..C, and the probabilities [C] for its own box."""


@dataclass(frozen=True)
class DetectionTask:
    """Finds faces and names their expressions; see Task."""

    train: VocDataset
    validation: VocDataset
    model_config: ModelConfig
    hardware: Hardware
    processes: Processes
    batch_size: int
    """Of the validation, in pictures."""
    workers: int

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels 1, 2, ..."""
        return self.train.classes

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Top-1 scores on the validation split, the same on every process."""
        batches = own_batches(self.validation, self.batch_size, self.processes, self.workers)
        pairs: list[tuple[int, int]] = []
        given: list[GivenFace] = []
        for picture in score_pictures(model, self.hardware, self.validation, batches):
            pairs += top1_pairs(picture)
            assert picture.truth_probabilities is not None
            given += zip(picture.truth_labels.tolist(), picture.truth_probabilities, strict=True)
        return {
            **score_answers(self.processes.gather(pairs), len(self.classes)),
            "temperature": temperature_of(self.processes.gather(given)),
        }

    def best_checkpoint(self, state: Mapping[str, Tensor], info: Mapping[str, Any]) -> Checkpoint:
        """The detector as plain VGG16, its normalisation folded away."""
        plain = self.model_config.without_batch_norm()
        return Checkpoint(fold_batch_norm(state), plain, self.classes, with_temperature(info))


def temperature_of(faces: Sequence[GivenFace]) -> float:
    """The temperature that fits what a model says of faces in their own boxes; see apply_temperature."""
    labels = np.array([label for label, _ in faces], np.int64)
    return fit_temperature(np.stack([row for _, row in faces]), labels)


def with_temperature(info: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with the temperature of its validation where Checkpoint looks for it."""
    return {**info, TEMPERATURE: info["validation"]["temperature"]}


def score_answers(pairs: list[tuple[int, int]], classes: int) -> dict[str, float]:
    """Scores of (label, answer) pairs, the answer 0 where there was none.

    `selection` decides which epoch is the best: the mean over the classes present of
    (right + k accuracy) / (faces + k), k being SHRINKAGE_FACES.
    """
    truth, answer = np.array(pairs, np.int64).T
    confusion = confusion_matrix(truth, answer, classes)
    count = faces_by_class(confusion)
    scores = measure(confusion, count > 0, {})
    right = np.diagonal(confusion)
    drawn = (right + SHRINKAGE_FACES * scores.accuracy) / (count + SHRINKAGE_FACES)
    return {
        "accuracy": float(scores.accuracy),
        "mean_recall": float(scores.mean_recall),
        "miss_rate": float(scores.miss_rate),
        "selection": float(drawn[count > 0].mean()),
    }
