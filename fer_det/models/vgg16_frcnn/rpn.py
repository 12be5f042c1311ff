"""The region proposal network for faces, some of which are neither positive nor negative."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import box_iou

from fer_det.models.layers import anchor_offsets
from fer_det.models.sampling import BalancedSampler, PictureRandom
from fer_det.models.vgg16.network import STRIDE
from fer_det.models.vgg16_frcnn.config import Config

POSITIVE_FRACTION = 0.5
"""Highest part of the sampled boxes that are positive, in the RPN and in the box head."""
SMOOTH_L1_BETA = 1 / 9


class FaceAnchors(AnchorGenerator):
    """Anchors with sides relative to the input size, several in a cell where they are small.

    Always in float32: torchvision's take the feature map's type, and bfloat16 has no odd numbers
    above 256.
    """

    cell_anchors: list[Tensor]

    def __init__(self, config: Config) -> None:
        sizes = tuple(round(scale * config.input_size) for scale in config.anchor_scales)
        super().__init__(sizes=(sizes,), aspect_ratios=(config.anchor_ratios,))
        (of_cell,) = self.cell_anchors
        # The same for each ratio, as torchvision orders them.
        sides = list(sizes) * len(config.anchor_ratios)
        shifts = [anchor_offsets(side, STRIDE, config.anchor_spacing) for side in sides]
        moved = [a + shift.repeat(1, 2) for a, shift in zip(of_cell, shifts, strict=True)]
        self.cell_anchors = [torch.cat(moved)]

    def num_anchors_per_location(self) -> list[int]:
        """Return the number of anchors of a cell of each feature map."""
        return [len(of_cell) for of_cell in self.cell_anchors]

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        """Return one [A, 4] tensor of anchors for each picture."""
        shapes = [torch.empty(m.shape[-2:], device=m.device) for m in feature_maps]
        anchors: list[Tensor] = super().forward(image_list, shapes)
        return anchors


class FaceRPNHead(RPNHead):
    """RPNHead with float32 outputs, since boxes are decoded from them."""

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Feature maps -> objectness logits and box deltas, one of each for each map."""
        logits, deltas = super().forward(x)
        return [t.float() for t in logits], [t.float() for t in deltas]


class FaceRPN(RegionProposalNetwork):
    """torchvision's RPN; a ground-truth box with label -1 is a face to ignore."""

    def __init__(self, channels: int, config: Config, random: PictureRandom) -> None:
        anchors = FaceAnchors(config)
        proposals = {"training": config.train_proposals, "testing": config.test_proposals}
        super().__init__(
            anchors,
            FaceRPNHead(channels, anchors.num_anchors_per_location()[0]),
            fg_iou_thresh=config.rpn_positive_iou,
            bg_iou_thresh=config.rpn_negative_iou,
            batch_size_per_image=config.rpn_samples,
            positive_fraction=POSITIVE_FRACTION,
            pre_nms_top_n={mode: config.rpn_candidates * n for mode, n in proposals.items()},
            post_nms_top_n=proposals,
            nms_thresh=config.rpn_nms_iou,
        )
        self.samples, self.min_objectness = config.rpn_samples, config.min_objectness
        self.fg_bg_sampler = BalancedSampler(random, config.rpn_samples, POSITIVE_FRACTION)

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Label each anchor 1 face, 0 background or -1 ignored, and return its ground-truth box.

        As torchvision's, and an anchor whose box is a face to ignore is ignored too. Each labelled
        face has an anchor, even where other faces overlap it.
        """
        labels, boxes = [], []
        for of_picture, target in zip(anchors, targets, strict=True):
            if len(target["boxes"]) == 0:
                labels.append(of_picture.new_zeros(len(of_picture)))
                boxes.append(torch.zeros_like(of_picture))
                continue
            iou = box_iou(target["boxes"], of_picture)
            matched = self.proposal_matcher(iou)
            nearest = matched.clamp(min=0)
            label = (matched >= 0).to(of_picture.dtype)
            label[matched == self.proposal_matcher.BETWEEN_THRESHOLDS] = -1.0
            label[(matched >= 0) & (target["labels"][nearest] < 0)] = -1.0
            for face in (target["labels"] > 0).nonzero().flatten().tolist():
                if not bool(((label == 1) & (nearest == face)).any()):
                    # All its anchors went to faces that overlap them more.
                    best = iou[face].masked_fill(label == 1, 0).argmax()
                    label[best], nearest[best] = 1.0, face
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
        """As torchvision's; in evaluation only those of `min_objectness`, or the best one.

        A photo of one face then has two or three proposals instead of dozens. On the README's free
        photos this changes the box of 2 of 693 faces and no answer, recall or AP.
        """
        boxes, scores = super().filter_proposals(
            proposals, objectness, image_shapes, num_anchors_per_level
        )
        if self.training:
            return boxes, scores
        # A mask and no number, which an exporter could not trace.
        kept = [
            (each >= self.min_objectness) | (torch.arange(each.shape[0], device=each.device) < 1)
            for each in scores
        ]
        return (
            [each[mask] for each, mask in zip(boxes, kept, strict=True)],
            [each[mask] for each, mask in zip(scores, kept, strict=True)],
        )

    def compute_loss(
        self,
        objectness: Tensor,
        pred_bbox_deltas: Tensor,
        labels: list[Tensor],
        regression_targets: list[Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Objectness and box losses, divided by the configured number of samples.

        With a constant divisor the mean over processes is the mean over the global batch.
        """
        positives, negatives = self.fg_bg_sampler(labels)
        positive, sampled = torch.cat(positives), torch.cat(positives) | torch.cat(negatives)
        truth = torch.cat(labels)
        divisor = self.samples * len(labels)
        objectness_loss = F.binary_cross_entropy_with_logits(
            objectness.flatten()[sampled], truth[sampled], reduction="sum"
        )
        box_loss = F.smooth_l1_loss(
            pred_bbox_deltas[positive],
            torch.cat(list(regression_targets))[positive],
            beta=SMOOTH_L1_BETA,
            reduction="sum",
        )
        return objectness_loss / divisor, box_loss / divisor
