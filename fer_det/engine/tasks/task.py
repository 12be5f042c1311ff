"""What a run trains for: its pictures, how an epoch is judged and what is kept of the best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor, nn

from fer_det.config.training import ModelConfig
from fer_det.data.loader import PictureDataset
from fer_det.weights.checkpoint import Checkpoint


class Task(Protocol):
    """All that the training loop asks of what it trains for."""

    @property
    def train(self) -> PictureDataset:
        """The training split."""

    @property
    def validation(self) -> PictureDataset:
        """The split that epochs are judged on."""

    @property
    def model_config(self) -> ModelConfig:
        """Of the network that is trained."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels 1, 2, ..."""

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Scores on the validation split, the same on every process.

        Among them accuracy, mean_recall and `selection`, which decides the best epoch; where
        probabilities are answered also `temperature`, which the best checkpoint keeps.
        """

    def best_checkpoint(
        self, state: Mapping[str, Tensor], info: Mapping[str, Any]
    ) -> Checkpoint | None:
        """What best.pth shall hold of a state dict, None where no epoch is preferred."""
