"""The affinity loss: pulls features to learnt centres, relative to how far these lie apart.

Wen et al., "Distract your attention" (DAN), 2023, after the centre loss:

    L_af = sum_i |x_i - c_y_i|^2 / sum_d Var(c_d)

with the centres c [C, W] as parameters, and the variance of each of the W numbers over the classes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fer_det.config.classifier import TrainClassifierConfig
from fer_det.losses.softmax import BesideSoftmax


class AffinityLoss(nn.Module):
    """L_af divided by the number of faces, as softmax cross-entropy is."""

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.randn(classes, width))

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """features [N, W], labels [N] int64 in 0..C-1 -> []."""
        distances = (features - self.centres[labels]).square().sum()
        spread = self.centres.var(0).sum()
        return distances / (spread * max(len(labels), 1))


def build(config: TrainClassifierConfig, classes: int) -> BesideSoftmax:
    """Build the sum of this loss and softmax cross-entropy."""
    loss = AffinityLoss(classes, config.model.feature_width)
    return BesideSoftmax("affinity", loss, config.loss_weight)
