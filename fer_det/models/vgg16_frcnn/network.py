"""Faster R-CNN on VGG16 for faces: one box a face, with a probability for each expression.

Ren et al., "Faster R-CNN: towards real-time object detection with region proposal networks", 2015.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

from fer_det.config.training import ModelConfig
from fer_det.models.sampling import PictureRandom, picture_seed
from fer_det.models.transform import Target, ViewTransform
from fer_det.models.vgg16 import OUT_CHANNELS, VGG16Backbone, vgg16_features
from fer_det.models.vgg16_frcnn.roi_heads import FaceRoIHeads
from fer_det.models.vgg16_frcnn.rpn import FaceRPN


class FaceFasterRCNN(GeneralizedRCNN):
    """torchvision's Faster R-CNN, its contract kept.

    Training: images [3, H, W] in 0..1 and targets {boxes [N, 4], labels [N] int64 (1..C, or -1 for
    a face to ignore), seed [] int64 (what the picture's random draws start from; optional)} ->
    a dict of named losses.

    Evaluation: a dict a picture {boxes [M, 4] in its own pixels, scores [M] (probability of a
    face), labels [M], probabilities [M, C] (given a face)}, best first; where targets with boxes
    are given, also target_probabilities [N, C]: what the box head says of those very boxes.
    """

    def __init__(self, config: ModelConfig, classes: Sequence[str]) -> None:
        self.config = config
        random = PictureRandom()
        super().__init__(
            backbone=VGG16Backbone(vgg16_features(batch_norm=config.batch_norm)),
            rpn=FaceRPN(
                input_size=config.input_size,
                channels=OUT_CHANNELS,
                samples=config.rpn_samples,
                proposals_training=config.train_proposals,
                proposals_testing=config.test_proposals,
                random=random,
            ),
            roi_heads=FaceRoIHeads(
                channels=OUT_CHANNELS,
                width=config.head_width,
                classes=len(classes),
                dropout=config.dropout,
                samples=config.roi_samples,
                box_loss_weight=config.box_loss_weight,
                nms_iou=config.nms_iou,
                detections=config.detections,
                random=random,
                rank=config.head_rank,
            ),
            transform=ViewTransform(config.input_size, config.image_mean, config.image_std),
        )
        self._random = random

    def forward(
        self, images: Sequence[Tensor] | Tensor, targets: list[Target] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """See the class."""
        if self.training and targets is not None:
            self._random.reseed([picture_seed(target) for target in targets])
        answer: dict[str, Tensor] | list[dict[str, Tensor]] = super().forward(images, targets)
        return answer


def build(config: ModelConfig, classes: Sequence[str]) -> FaceFasterRCNN:
    """Make the untrained detector for those classes, in channels_last."""
    model = FaceFasterRCNN(config, classes)
    model.to(memory_format=torch.channels_last)
    return model
