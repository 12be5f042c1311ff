"""Softmax cross-entropy, alone or with a loss of the features beside it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from fer_det.config.classifier import TrainClassifierConfig


class Softmax(nn.Module):
    """L_s = 1/N sum_i -log(exp(z_i,y_i) / sum_j exp(z_i,j)), z_i the logits of the i-th face."""

    def forward(self, features: Tensor, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:  # noqa: ARG002  (the losses' signature)
        """See LOSSES."""
        # A batch without faces has the mean 0, from which gradients flow as zeros.
        summed = F.cross_entropy(logits, labels, reduction="sum")
        return {"loss_softmax": summed / max(len(labels), 1)}


class BesideSoftmax(nn.Module):
    """L = L_s + weight L_f, L_f a loss of features [N, W] and labels [N]."""

    def __init__(self, name: str, of_features: nn.Module, weight: float) -> None:
        super().__init__()
        self.softmax = Softmax()
        self.of_features = of_features
        self._name, self._weight = name, weight

    def forward(self, features: Tensor, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """See LOSSES."""
        beside = self._weight * self.of_features(features, labels)
        return {**self.softmax(features, logits, labels), f"loss_{self._name}": beside}


def build(config: TrainClassifierConfig, classes: int) -> Softmax:  # noqa: ARG001  (as all losses)
    """Make the loss; it has no settings."""
    return Softmax()
