"""The centre loss: pulls the features of each class to a centre, a running mean of its features.

Wen, Zhang, Li and Qiao, "A discriminative feature learning approach for deep face recognition",
ECCV 2016: L_c = 1/2 sum_i |x_i - c_y_i|^2 over the batch, and after each batch

    c_j <- c_j - alpha sum_i [y_i = j] (c_j - x_i) / (1 + sum_i [y_i = j]).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fer_det.config.classifier import TrainClassifierConfig
from fer_det.losses.softmax import BesideSoftmax
from fer_det.runtime.distributed import sum_over_processes


class CentreLoss(nn.Module):
    """L_c divided by the number of faces, as softmax cross-entropy is.

    The centres start at 0. They are no parameters and constants to the loss; in training each call
    updates them from the faces of all processes.
    """

    centres: Tensor

    def __init__(self, classes: int, width: int, rate: float) -> None:
        """rate: the formula's alpha."""
        super().__init__()
        self.register_buffer("centres", torch.zeros(classes, width))
        self._rate = rate

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """features [N, W], labels [N] int64 in 0..C-1 -> [], before the centres are updated."""
        offsets = features - self.centres[labels]
        loss = offsets.square().sum() / (2 * max(len(labels), 1))
        if self.training:
            self._update(features.detach(), labels)
        return loss

    @torch.no_grad()
    def _update(self, features: Tensor, labels: Tensor) -> None:
        # The last column of `rows` counts the faces.
        rows = torch.cat([features, features.new_ones(len(features), 1)], 1)
        of_class = F.one_hot(labels, len(self.centres)).to(rows)
        sums = sum_over_processes(of_class.T @ rows)
        totals, counts = sums[:, :-1], sums[:, -1:]
        self.centres -= self._rate * (counts * self.centres - totals) / (1 + counts)


def build(config: TrainClassifierConfig, classes: int) -> BesideSoftmax:
    """Build the sum of this loss and softmax cross-entropy."""
    loss = CentreLoss(classes, config.model.feature_width, config.centre_rate)
    return BesideSoftmax("centre", loss, config.loss_weight)
