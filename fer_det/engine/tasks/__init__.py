"""What a training is for: its pictures, its model, and how an epoch is scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import nn

from fer_det.data.loader import PictureDataset
from fer_det.errors import DatasetFormatError
from fer_det.evaluation.calibration import fit_temperature
from fer_det.evaluation.recognition import confusion_matrix, faces_by_class, measure
from fer_det.models.contract import FaceModel
from fer_det.runtime.device import Hardware
from fer_det.runtime.distributed import Processes

SHRINKAGE_FACES = 10
"""To select the best epoch, each class's recall is shrunk towards the accuracy of all faces as if
by so many additional faces. Otherwise a class with a single validation face would decide."""

GivenFace: TypeAlias = tuple[int, NDArray[np.floating[Any]]]
"""A labelled face: its label 1..C, and the probabilities [C] for its ground-truth box."""


class Task(Protocol):
    """What the training loop needs from a task."""

    @property
    def train(self) -> PictureDataset:
        """The training split."""

    @property
    def validation(self) -> PictureDataset:
        """The split that each epoch is scored on."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels 1, 2, ..."""

    def calibration(self) -> PictureDataset:
        """Return pictures without augmentation to calibrate batch normalisation on."""

    def data_hashes(self) -> Mapping[str, str]:
        """Return the data's folder as `path`, and the hash of each split by its name.

        Where there are several data sets also their names, as `datasets`.
        """

    def build_model(self) -> FaceModel:
        """Build the model with random weights."""

    def validate(
        self, model: nn.Module, hardware: Hardware, processes: Processes
    ) -> dict[str, float]:
        """Return scores on the validation split, the same in every process.

        Among them accuracy, mean_recall, selection, the score that selects the best epoch, and
        temperature, which best.pth holds.
        """


def demand_faces(split: str, labels: NDArray[np.int64], data: Path) -> None:
    """Raise DatasetFormatError for a split without a labelled face; labels [N], 0 for none."""
    if not labels.any():
        raise DatasetFormatError(
            f"the split {split} of {data} shows no labelled face",
            "faces with expressions, to learn from and to choose the best epoch by",
            "build the folder again with more pictures or another split",
        )


def score_answers(pairs: Sequence[tuple[int, int]], classes: int) -> dict[str, float]:
    """Return scores of (label, answer) pairs, the answer 0 where no face was found.

    `selection` is the mean over the classes present of (right + k accuracy) / (faces + k), with
    k = SHRINKAGE_FACES.
    """
    truth, answer = np.array(pairs, np.int64).T
    confusion = confusion_matrix(truth, answer, classes)
    count = faces_by_class(confusion)
    scores = measure(confusion, count > 0, {})
    right = np.diagonal(confusion)
    shrunk = (right + SHRINKAGE_FACES * scores.accuracy) / (count + SHRINKAGE_FACES)
    return {
        "accuracy": float(scores.accuracy),
        "mean_recall": float(scores.mean_recall),
        "miss_rate": float(scores.miss_rate),
        "selection": float(shrunk[count > 0].mean()),
    }


def temperature_of(faces: Sequence[GivenFace]) -> float:
    """Return the temperature that fits the probabilities of faces in their ground-truth boxes."""
    labels = np.array([label for label, _ in faces], np.int64)
    return fit_temperature(np.stack([row for _, row in faces]), labels)
