"""What a backbone is trained in: VGG16 with a shallow head for all that made faces know of themselves.

The head sees what a detector's box head sees, the backbone's map pooled over a box, and has but one
layer, so that all that is learnt is learnt by the backbone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fer_det.config.backbone import FaceAttributesLossConfig
from fer_det.config.training import ModelConfig
from fer_det.models.roi_align import align_rois
from fer_det.models.sampling import PictureRandom, picture_seed
from fer_det.models.transform import Target, ViewTransform
from fer_det.models.vgg16 import OUT_CHANNELS, STRIDE, VGG16Backbone, vgg16_features
from fer_det.models.vgg16_frcnn.roi_heads import SAMPLING_RATIO, PictureDropout

POOLED = 3
"""Bins of a face along each side: enough to tell brows from mouth and left from right."""


class FaceAttributes(nn.Module):
    """Expression and measures of one face a picture.

    Measures are real numbers in groups (action units, attributes, pose), each standardised: mean 0
    and deviation 1 over the training split, so that their losses are comparable.

    Training: images [3, H, W] in 0..1 and targets {boxes [1, 4], labels [1] int64 (1..C), measures
    [M] float, seed [] int64} -> loss_expression and a loss for each group. Evaluation, boxes given
    as well: a dict a picture {probabilities [1, C], measures [1, M]}.
    """

    def __init__(
        self,
        config: ModelConfig,
        classes: Sequence[str],
        groups: Mapping[str, int],
        losses: FaceAttributesLossConfig,
    ) -> None:
        """groups: how many measures there are of each kind, in the order of their columns."""
        super().__init__()
        self.transform = ViewTransform(config.input_size, config.image_mean, config.image_std)
        self.backbone = VGG16Backbone(vgg16_features(batch_norm=config.batch_norm))
        self._random = PictureRandom()
        self.dropout = PictureDropout(config.dropout, self._random)
        width = OUT_CHANNELS * POOLED**2
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
        pooled = align_rois(features, boxes, POOLED, STRIDE, SAMPLING_RATIO).flatten(1)
        counts = [len(of_picture) for of_picture in boxes]
        pooled = self.dropout(pooled, counts)
        logits, measures = self.expression(pooled).float(), self.measures(pooled).float()
        if self.training:
            return self._compare(logits, measures, targets)
        rows, values = torch.split(logits.softmax(-1), counts), torch.split(measures, counts)
        return [{"probabilities": p, "measures": m} for p, m in zip(rows, values, strict=True)]

    def _compare(
        self, logits: Tensor, measures: Tensor, targets: list[Target]
    ) -> dict[str, Tensor]:
        """Mean losses over the batch; a measure's error counts in a line beyond one deviation."""
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
    config: ModelConfig,
    classes: Sequence[str],
    groups: Mapping[str, int],
    losses: FaceAttributesLossConfig,
) -> FaceAttributes:
    """Make the untrained network, in channels_last."""
    model = FaceAttributes(config, classes, groups, losses)
    model.to(memory_format=torch.channels_last)
    return model
