"""A detector of a few weights, for tests that need no more; a model in one file, as a plug-in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fer_det.config.model import ModelConfig
from fer_det.models import Registered
from fer_det.models.contract import FaceModel

NAME = "stub"
REGISTERED = Registered("detector", "fake_data.stub_detector")
"""Its entry in fer_det.models.MODELS, under NAME."""


@dataclass(frozen=True)
class Config(ModelConfig):
    """Settings of the stub."""

    name: str = NAME
    """Model to build."""
    dropout: float = 0.5
    """A setting that changes nothing."""


class StubDetector(FaceModel):
    """Returns the boxes that it is asked about, with a class that depends on what it has learnt.

    Its losses depend on pictures, labels and seeds, and a buffer counts steps as running statistics
    would, so that two runs agree only if they got the same data in the same order.
    """

    seen: Tensor

    def __init__(self, config: ModelConfig, classes: Sequence[str]) -> None:
        super().__init__()
        self.config, self.classes = config, tuple(classes)
        self.colour = nn.Conv2d(3, len(classes), 1)
        self.register_buffer("seen", torch.zeros(()))
        nn.init.normal_(self.colour.weight)

    def forward(
        self, images: Tensor, targets: list[dict[str, Tensor]]
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """See FaceModel."""
        logits = self.colour(images).mean((2, 3))
        if not self.training:
            return [self._answer(*pair) for pair in zip(logits, targets, strict=True)]
        self.seen.mul_(0.9).add_(images.mean())
        labels = torch.stack([target["labels"].clamp(min=1)[0] - 1 for target in targets])
        noise = torch.stack([target["seed"] % 1000 / 1000 for target in targets])
        errors = nn.functional.cross_entropy(logits, labels, reduction="none")
        return {
            "loss_classifier": (errors * (1 + noise)).mean(),
            "loss_box_reg": self.colour.bias.square().mean(),
        }

    def _answer(self, logits: Tensor, target: dict[str, Tensor]) -> dict[str, Tensor]:
        rows = logits.softmax(0).repeat(len(target["boxes"]), 1)
        return {
            "boxes": target["boxes"],
            "scores": torch.full((len(rows),), 0.5),
            "labels": rows.argmax(1) + 1,
            "probabilities": rows,
            "target_probabilities": rows,
        }


def build(config: Config, classes: Sequence[str]) -> StubDetector:
    """Build it with random weights."""
    return StubDetector(config, classes)
