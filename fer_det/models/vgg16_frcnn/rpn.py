"""The region proposal network for faces, some of which must be neither example nor background."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import box_iou

from fer_det.models.sampling import BalancedSampler, PictureRandom

POSITIVE_IOU = 0.7
NEGATIVE_IOU = 0.3
POSITIVE_FRACTION = 0.5
NMS_IOU = 0.7
SMOOTH_L1_BETA = 1 / 9
MIN_OBJECTNESS = 0.05
"""Less sure proposals are not looked at in evaluation: a photo of one face then has two or three
instead of dozens. On the README's free photos 2 of 693 faces get another box by it, and every
answer, recall and AP stays the same."""

ANCHOR_SCALES = (0.125, 0.19, 0.29, 0.44, 0.66, 1.0)
"""Anchor sides as parts of the input size: a factor of about 1.5 apart, so one is always near."""
ANCHOR_RATIOS = (1.2,)
"""Height over width. MTCNN's boxes are a little taller than wide; the regression does the rest."""


class FaceAnchors(AnchorGenerator):
    """Anchors from the input size, always in float32.

    torchvision's take the feature map's type, and bfloat16 has no odd numbers above 256.
    """

    def __init__(self, input_size: int) -> None:
        sizes = tuple(round(scale * input_size) for scale in ANCHOR_SCALES)
        super().__init__(sizes=(sizes,), aspect_ratios=(ANCHOR_RATIOS,))

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        """One [A, 4] tensor of anchors a picture."""
        shapes = [torch.empty(m.shape[-2:], device=m.device) for m in feature_maps]
        anchors: list[Tensor] = super().forward(image_list, shapes)
        return anchors


class FaceRPNHead(RPNHead):
    """RPNHead whose answers leave it in float32, since boxes are decoded from them."""

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Feature maps -> objectness logits and box deltas, one of each a map."""
        logits, deltas = super().forward(x)
        return [t.float() for t in logits], [t.float() for t in deltas]


class FaceRPN(RegionProposalNetwork):
    """torchvision's RPN; a ground truth box with label -1 is a face to ignore."""

    def __init__(
        self,
        input_size: int,
        channels: int,
        samples: int,
        proposals_training: int,
        proposals_testing: int,
        random: PictureRandom,
    ) -> None:
        anchors = FaceAnchors(input_size)
        super().__init__(
            anchors,
            FaceRPNHead(channels, anchors.num_anchors_per_location()[0]),
            fg_iou_thresh=POSITIVE_IOU,
            bg_iou_thresh=NEGATIVE_IOU,
            batch_size_per_image=samples,
            positive_fraction=POSITIVE_FRACTION,
            pre_nms_top_n={"training": 8 * proposals_training, "testing": 8 * proposals_testing},
            post_nms_top_n={"training": proposals_training, "testing": proposals_testing},
            nms_thresh=NMS_IOU,
        )
        self.samples = samples
        self.fg_bg_sampler = BalancedSampler(random, samples, POSITIVE_FRACTION)

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Label each anchor 1 face, 0 background, -1 ignored, and give it the box it belongs to.

        As torchvision's, and an anchor whose box is a face to ignore is ignored too.
        """
        labels, boxes = [], []
        for of_picture, target in zip(anchors, targets, strict=True):
            if len(target["boxes"]) == 0:
                labels.append(of_picture.new_zeros(len(of_picture)))
                boxes.append(torch.zeros_like(of_picture))
                continue
            matched = self.proposal_matcher(box_iou(target["boxes"], of_picture))
            nearest = matched.clamp(min=0)
            label = (matched >= 0).to(of_picture.dtype)
            label[matched == self.proposal_matcher.BETWEEN_THRESHOLDS] = -1.0
            label[(matched >= 0) & (target["labels"][nearest] < 0)] = -1.0
            labels.append(label)
            boxes.append(target["boxes"][nearest])
        return labels, boxes

    def filter_proposals(
        self,
        proposals: Tensor,
        objectness: Tensor,
        image_shapes: list[tuple[int, int]],
        num_anchors_per_level: list[int],
    ) -> tuple[list[Tensor], list[Tensor]]:
        """torchvision's, best first, and in evaluation only the sure ones or the very best."""
        boxes, scores = super().filter_proposals(
            proposals, objectness, image_shapes, num_anchors_per_level
        )
        if self.training:
            return boxes, scores
        counts = [max(1, int((each >= MIN_OBJECTNESS).sum())) for each in scores]
        return (
            [each[:count] for each, count in zip(boxes, counts, strict=True)],
            [each[:count] for each, count in zip(scores, counts, strict=True)],
        )

    def compute_loss(
        self,
        objectness: Tensor,
        pred_bbox_deltas: Tensor,
        labels: list[Tensor],
        regression_targets: list[Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Objectness and box losses, divided by the samples asked for rather than those found.

        A constant divisor makes the mean over processes the mean over the global batch.
        """
        positives, negatives = self.fg_bg_sampler(labels)
        positive, drawn = torch.cat(positives), torch.cat(positives) | torch.cat(negatives)
        truth = torch.cat(labels)
        divisor = self.samples * len(labels)
        objectness_loss = F.binary_cross_entropy_with_logits(
            objectness.flatten()[drawn], truth[drawn], reduction="sum"
        )
        box_loss = F.smooth_l1_loss(
            pred_bbox_deltas[positive],
            torch.cat(list(regression_targets))[positive],
            beta=SMOOTH_L1_BETA,
            reduction="sum",
        )
        return objectness_loss / divisor, box_loss / divisor
