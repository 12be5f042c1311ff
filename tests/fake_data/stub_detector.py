"""A detector of a few weights that honours the models' contract, for what does not ask more."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StubDetector(nn.Module):
    """Answers the boxes that it is asked about, with a class that depends on what it has learnt.

    Its losses depend on pictures, labels and seeds, and a buffer counts steps as running statistics
    would, so that two runs agree only if they saw the same in the same order.
    """

    seen: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.colour = nn.Conv2d(3, classes, 1)
        self.register_buffer("seen", torch.zeros(()))
        nn.init.normal_(self.colour.weight)

    def forward(
        self, images: Tensor, targets: list[dict[str, Tensor]]
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """See fer_det.models."""
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
