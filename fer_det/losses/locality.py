"""The locality-preserving loss: pulls a face's features to their nearest neighbours of its class.

Li, Deng and Du, "Reliable crowdsourcing and deep locality-preserving learning for expression
recognition in the wild", CVPR 2017 (DLP-CNN):

    L_lp = 1/2 sum_i |x_i - 1/k sum_(x in N_k(x_i)) x|^2,

N_k(x_i) the k features of the same class and batch that are nearest to x_i. So a class may keep
several clusters, which a single centre would merge.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fer_det.config.classifier import TrainClassifierConfig
from fer_det.losses.softmax import BesideSoftmax
from fer_det.runtime.distributed import rows_of_all_processes


class LocalityLoss(nn.Module):
    """L_lp divided by the number of faces, as softmax cross-entropy is.

    Where a class has k faces or fewer in the batch, all of its others are the neighbours, and a
    face alone in its class adds 0. The gradient is that of the formula for fixed neighbours; the
    paper's leaves out that the neighbours' features change as well.

    Neighbours come from the faces of all processes, and each process returns the loss of the whole
    global batch.
    """

    def __init__(self, neighbours: int) -> None:
        """neighbours: the formula's k."""
        super().__init__()
        self._neighbours = neighbours

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """features [N, W], labels [N] int64 -> []."""
        everyone = rows_of_all_processes(features)
        weights = self._weights(everyone.detach(), rows_of_all_processes(labels))
        has_neighbours = weights.sum(1, keepdim=True) > 0
        offsets = torch.where(has_neighbours, everyone - weights @ everyone, 0.0)
        return offsets.square().sum() / (2 * max(len(everyone), 1))

    def _weights(self, features: Tensor, labels: Tensor) -> Tensor:
        """[N, N]: 1/k where the column's face is among the k nearest of the row's, else 0."""
        distances = torch.cdist(features, features, compute_mode="donot_use_mm_for_euclid_dist")
        same = labels[:, None] == labels[None]
        distances.masked_fill_(~same, torch.inf).fill_diagonal_(torch.inf)
        k = min(self._neighbours, len(features))
        nearest, places = distances.topk(k, largest=False)
        chosen = torch.zeros_like(distances).scatter_(1, places, nearest.isfinite().to(distances))
        return chosen / chosen.sum(1, keepdim=True).clamp(min=1)


def build(config: TrainClassifierConfig, classes: int) -> BesideSoftmax:  # noqa: ARG001  (as all)
    """Build the sum of this loss and softmax cross-entropy."""
    return BesideSoftmax("locality", LocalityLoss(config.neighbours), config.loss_weight)
