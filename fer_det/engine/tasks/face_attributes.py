"""Training a backbone on made faces: what is learnt of each face, and how well on other people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_det.config.training import ModelConfig
from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.data.loader import Batch
from fer_det.data.made_faces import MadeFaces
from fer_det.engine.scoring import to_unit_range
from fer_det.engine.share import own_batches
from fer_det.engine.tasks.detection import score_answers
from fer_det.runtime.device import Hardware
from fer_det.runtime.distributed import Processes

Answer = tuple[int, int, list[float], list[float]]
"""Label, answered label, measures, answered measures."""


@dataclass(frozen=True)
class FaceAttributesTask:
    """Reads expression and measures off one face a picture; see Task.

    No epoch is preferred: the faces of the test split say how well it went and choose nothing.
    """

    train: MadeFaces
    validation: MadeFaces
    model_config: ModelConfig
    hardware: Hardware
    processes: Processes
    batch_size: int
    """Of the validation, in pictures."""
    workers: int

    @property
    def classes(self) -> tuple[str, ...]:
        """RAF-DB's seven expressions."""
        return tuple(expression.label for expression in BASIC_EXPRESSIONS)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Accuracy and mean recall of the expression, and for each group of measures its R2.

        R2 is 1 for measures that are all met and 0 for answers no better than the mean.
        """
        batches = own_batches(self.validation, self.batch_size, self.processes, self.workers)
        answers = self.processes.gather(self._answers(model, batches))
        scores = score_answers([answer[:2] for answer in answers], len(self.classes))
        truth, found = (np.array([answer[k] for answer in answers]) for k in (2, 3))
        return scores | self._explained(truth, found)

    def best_checkpoint(
        self,
        state: Mapping[str, Tensor],
        info: Mapping[str, Any],
    ) -> None:
        """Nothing: the weights file holds the last epoch."""

    @torch.inference_mode()
    def _answers(self, model: nn.Module, batches: Iterable[Batch]) -> list[Answer]:
        model.eval()
        answers = []
        for pictures, targets in batches:
            device = self.hardware.device
            images = to_unit_range(pictures, device)
            placed = [{**target, "boxes": target["boxes"].to(device)} for target in targets]
            with self.hardware.autocast():
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
