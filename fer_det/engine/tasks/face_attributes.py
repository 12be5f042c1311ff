"""Training of a backbone on synthetic faces, scored on the faces of other people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fer_det.config.backbone import TrainBackboneConfig
from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.data.augment import Augmentation
from fer_det.data.loader import Batch
from fer_det.data.made_faces import MadeFaces, load_made_faces
from fer_det.engine.scoring import own_batches, to_unit_range
from fer_det.engine.tasks import score_answers
from fer_det.models import build_model
from fer_det.models.contract import FaceModel
from fer_det.runtime.device import Hardware
from fer_det.runtime.distributed import Processes

Answer = tuple[int, int, list[float], list[float]]
"""Label, predicted label, measures, predicted measures."""


@dataclass(frozen=True)
class FaceAttributesTask:
    """Predicts expression and measures of the one face of each picture; see Task.

    The last epoch is used: the test split only shows how well the training went.
    """

    config: TrainBackboneConfig
    train: MadeFaces
    validation: MadeFaces
    selects_best: bool = False

    @classmethod
    def from_config(cls, config: TrainBackboneConfig) -> FaceAttributesTask:
        """Open the splits; raises what `load_made_faces` raises."""
        size, padding = config.model.input_size, config.model.padding
        augmentation = Augmentation(config.augment)
        return cls(config, *load_made_faces(config.faces, size, padding, augmentation))

    @property
    def classes(self) -> tuple[str, ...]:
        """RAF-DB's seven expressions."""
        return tuple(expression.label for expression in BASIC_EXPRESSIONS)

    def calibration(self) -> MadeFaces:
        """Return the test split; nothing is calibrated, since all weights are random."""
        return self.validation

    def data_hashes(self) -> dict[str, str]:
        """See Task."""
        hashes = {"train": self.train.hash(), "test": self.validation.hash()}
        return {"path": str(self.config.faces), **hashes}

    def build_model(self) -> FaceModel:
        """See Task."""
        groups = self.train.measures.groups
        return build_model(
            self.config.model, self.classes, groups=groups, losses=self.config.losses
        )

    def validate(
        self, model: nn.Module, hardware: Hardware, processes: Processes
    ) -> dict[str, float]:
        """Return accuracy and mean recall of the expression, and the R2 of each group of measures.

        R2 is 1 for perfect predictions and 0 for those that are no better than the mean.
        """
        config = self.config
        batches = own_batches(self.validation, config.batch_size, processes, config.workers)
        answers = processes.gather(self._answers(model, hardware, batches))
        scores = score_answers([answer[:2] for answer in answers], len(self.classes))
        truth, found = (np.array([answer[k] for answer in answers]) for k in (2, 3))
        return scores | self._explained(truth, found)

    @torch.inference_mode()
    def _answers(
        self, model: nn.Module, hardware: Hardware, batches: Iterable[Batch]
    ) -> list[Answer]:
        model.eval()
        device, answers = hardware.device, []
        for pictures, targets in batches:
            images = to_unit_range(pictures, device)
            placed = [{**target, "boxes": target["boxes"].to(device)} for target in targets]
            with hardware.autocast():
                found = model(images, placed)
            for target, answer in zip(targets, found, strict=True):
                label = int(answer["probabilities"][0].argmax()) + 1
                measures = answer["measures"][0].tolist()
                answers.append(
                    (int(target["labels"][0]), label, target["measures"].tolist(), measures)
                )
        return answers

    def _explained(
        self, truth: NDArray[np.float64], found: NDArray[np.float64]
    ) -> dict[str, float]:
        """Mean R2 of each group over its measures that vary: [N, M] twice -> by name."""
        spread = np.square(truth - truth.mean(0)).sum(0)
        error = np.square(found - truth).sum(0)
        scores, start = {}, 0
        for name, count in self.validation.measures.groups.items():
            columns = slice(start, start + count)
            varies = spread[columns] > 1e-9
            explained = 1 - error[columns][varies] / spread[columns][varies]
            scores[f"{name}_r2"] = float(explained.mean()) if varies.any() else 0.0
            start += count
        return scores
