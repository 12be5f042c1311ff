"""The network that a backbone is trained in on synthetic faces.

Its head gets what a detector's box head gets, the backbone's map pooled over a box, and has only
one layer, so that the backbone has to learn everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fer_det.config.backbone import FaceAttributesLossConfig
from fer_det.models.face_attributes.config import Config
from fer_det.models.layers import align_rois
from fer_det.models.sampling import PictureDropout, PictureRandom, picture_seed
from fer_det.models.transform import Target, ViewTransform
from fer_det.models.vgg16.network import OUT_CHANNELS, STRIDE, VGG16Backbone, VGG16Model


class FaceAttributes(VGG16Model):
    """Expression and measures of the one face of each picture.

    Measures are real numbers in groups (action units, attributes, pose), standardised to mean 0 and
    standard deviation 1 over the training split, so that their losses are comparable.

    Training: targets also have measures [M] float -> loss_expression and a loss of each group.
    Evaluation, with targets too: a dict for each picture {probabilities [1, C], measures [1, M]}.
    """

    training_prefixes = ("expression.", "measures.")
    """The head, so that the backbone alone is deployed."""

    def __init__(
        self,
        config: Config,
        classes: Sequence[str],
        groups: Mapping[str, int],
        losses: FaceAttributesLossConfig,
    ) -> None:
        """groups: how many measures each kind has, in the order of their columns."""
        super().__init__()
        self.config, self.classes = config, tuple(classes)
        self.transform = ViewTransform(config.input_size, config.image_mean, config.image_std)
        self.backbone = VGG16Backbone(config.batch_norm)
        self._random = PictureRandom()
        self.dropout = PictureDropout(config.dropout, self._random)
        self._pooling = config.pooling_size, STRIDE, config.sampling_ratio
        width = OUT_CHANNELS * config.pooling_size**2
        self.expression = nn.Linear(width, len(classes))
        self.measures = nn.Linear(width, sum(groups.values()))
        self._groups = dict(groups)
        self._losses = losses

    def forward(
        self, images: Sequence[Tensor] | Tensor, targets: list[Target]
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """See the class."""
        if self.training:
            self._random.reseed([picture_seed(target) for target in targets])
        batch, placed = self.transform(images, targets)
        boxes = [target["boxes"] for target in placed]
        features = self.backbone(batch.tensors)["0"]
        pooled = align_rois(features, boxes, *self._pooling).flatten(1)
        counts = [len(of_picture) for of_picture in boxes]
        pooled = self.dropout(pooled, counts)
        logits, measures = self.expression(pooled).float(), self.measures(pooled).float()
        if self.training:
            return self._compute_losses(logits, measures, targets)
        rows, values = torch.split(logits.softmax(-1), counts), torch.split(measures, counts)
        return [{"probabilities": p, "measures": m} for p, m in zip(rows, values, strict=True)]

    def _compute_losses(
        self, logits: Tensor, measures: Tensor, targets: list[Target]
    ) -> dict[str, Tensor]:
        """Mean losses over the batch; an error above one standard deviation counts linearly."""
        labels = torch.cat([target["labels"] for target in targets]) - 1
        wanted = torch.stack([target["measures"] for target in targets])
        smoothing = self._losses.label_smoothing
        losses = {"loss_expression": F.cross_entropy(logits, labels, label_smoothing=smoothing)}
        columns = list(self._groups.values())
        found_by_group = torch.split(measures, columns, 1)
        truth_by_group = torch.split(wanted, columns, 1)
        for name, found, truth in zip(self._groups, found_by_group, truth_by_group, strict=True):
            losses[f"loss_{name}"] = getattr(self._losses, name) * F.smooth_l1_loss(found, truth)
        return losses


def build(
    config: Config,
    classes: Sequence[str],
    groups: Mapping[str, int],
    losses: FaceAttributesLossConfig,
) -> FaceAttributes:
    """Build the network with random weights, in channels_last.

    groups: how many measures each kind has, in the order of their columns.
    """
    model = FaceAttributes(config, classes, groups, losses)
    return model.to(memory_format=torch.channels_last)
