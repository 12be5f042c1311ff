"""Softmax cross-entropy for hard and soft labels, alone or with a loss of the features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from fer_det.config.classifier import TrainClassifierConfig


def cross_entropy(
    logits: Tensor, labels: Tensor, label_probabilities: Tensor | None = None
) -> Tensor:
    """Sum over the rows of -sum_k p_k log softmax(logits)_k -> [].

    logits [N, K]; labels [N] int64, the hard labels; label_probabilities [N, K], p of each row,
    which replaces the hard label unless p is one-hot.
    """
    if label_probabilities is None or bool((label_probabilities.amax(-1) == 1).all()):
        return F.cross_entropy(logits, labels, reduction="sum")
    return F.cross_entropy(logits, label_probabilities.to(logits.dtype), reduction="sum")


class Softmax(nn.Module):
    """L_s = 1/N sum_i -log(exp(z_i,y_i) / sum_j exp(z_i,j)), z_i the logits of the i-th face.

    With soft labels the mean over y_i by its distribution.
    """

    def forward(
        self,
        features: Tensor,  # noqa: ARG002  (the losses' signature)
        logits: Tensor,
        labels: Tensor,
        label_probabilities: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """See LOSSES."""
        # A batch without faces has the mean 0, from which gradients flow as zeros.
        summed = cross_entropy(logits, labels, label_probabilities)
        return {"loss_softmax": summed / max(len(labels), 1)}


class BesideSoftmax(nn.Module):
    """L = L_s + weight L_f, L_f a loss of features [N, W] and hard labels [N]."""

    def __init__(self, name: str, of_features: nn.Module, weight: float) -> None:
        super().__init__()
        self.softmax = Softmax()
        self.of_features = of_features
        self._name, self._weight = name, weight

    def forward(
        self,
        features: Tensor,
        logits: Tensor,
        labels: Tensor,
        label_probabilities: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """See LOSSES."""
        beside = self._weight * self.of_features(features, labels)
        losses: dict[str, Tensor] = self.softmax(features, logits, labels, label_probabilities)
        return {**losses, f"loss_{self._name}": beside}


def build(config: TrainClassifierConfig, classes: int) -> Softmax:  # noqa: ARG001  (as all losses)
    """Build the loss; it has no settings."""
    return Softmax()
