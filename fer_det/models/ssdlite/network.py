"""SSDLite as a FaceModel.

Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018, section 6.2, on the
backbone of Howard et al., "Searching for MobileNetV3", 2019, or on that of our resnet_classifier.
Each anchor predicts one box and the log odds of a face; there is one suppression for all classes. A
face's expression is not the anchor's: linear layers score each cell of the backbone's two maps, and
the mean over the cells in the box is the face's logits, as a classifier averages its last map over
a face crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection._utils import BoxCoder, retrieve_out_channels
from torchvision.models.detection.ssdlite import SSDLiteHead

from fer_det.losses.softmax import cross_entropy
from fer_det.models.contract import FaceModel, select_detections
from fer_det.models.layers import WideLinear, merge_norms
from fer_det.models.ssdlite.anchors import (
    anchors_in_cell,
    average_cells,
    make_anchors,
    map_sides,
    match_anchors,
)
from fer_det.models.ssdlite.config import Config
from fer_det.models.ssdlite.extractor import make_extractor, split_extractor
from fer_det.models.transform import Target, ViewTransform

SMOOTH_L1_BETA = 1 / 9


class _Prediction(NamedTuple):
    """What the layers say of a batch of B pictures, A anchors each."""

    odds: Tensor
    """[B, A], the log odds of a face."""
    deltas: Tensor
    """[B, A, 4], the corrections of the anchors' boxes."""
    anchors: Tensor
    """[A, 4] in input pixels."""
    scores: list[Tensor]
    """[B, H, W, C] of the backbone's two maps, whose means in a box add up to its logits."""

    def best_of(self, picture: int, most: int) -> tuple[Tensor, Tensor, Tensor]:
        """Odds [K], deltas [K, 4] and anchors [K, 4] of the `most` anchors with the highest odds,
        or of all where there are fewer."""
        odds = self.odds[picture]
        # As a constant, where this is traced: the number of anchors is one.
        best = odds.topk(min(most, int(odds.shape[0]))).indices
        return odds[best], self.deltas[picture, best], self.anchors[best]


class FaceSSDLite(FaceModel):
    """torchvision's SSDLite parts as a FaceModel."""

    config: Config
    head_prefixes = ("head.", "class_score", "fine_class_score")
    class_layers = ("class_score", "fine_class_score")
    optional_prefixes = ("backbone.extra.",)
    anchors: Tensor
    """[A, 4] in input pixels."""

    def __init__(self, config: Config, classes: Sequence[str]) -> None:
        super().__init__()
        self.config, self.classes = config, tuple(classes)
        self.transform = ViewTransform(config.input_size, config.image_mean, config.image_std)
        self.backbone = make_extractor(
            config.extractor, len(config.anchor_scales), config.batch_norm
        )
        size = config.input_size
        channels = retrieve_out_channels(self.backbone, (size, size))
        in_cells = [len(cell) for cell in anchors_in_cell(config, map_sides(config))]
        self.head = SSDLiteHead(channels, in_cells, 1, nn.BatchNorm2d)
        self.register_buffer("anchors", make_anchors(config), persistent=False)
        self.fine_class_score = WideLinear(channels[0], len(classes))
        self.class_score = WideLinear(channels[1], len(classes))
        for layer in (self.fine_class_score, self.class_score):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        merge_norms(self, config.batch_norm)
        self._coder = BoxCoder(config.box_weights)

    def forward(
        self, images: Sequence[Tensor] | Tensor, targets: list[Target] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """See FaceModel."""
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        batch, placed = self.transform(images, targets)
        found = self._predict(batch.tensors)
        if self.training:
            assert placed is not None
            losses = [self._losses(found, row, target) for row, target in enumerate(placed)]
            means = torch.stack([torch.stack(of_picture) for of_picture in losses]).mean(0)
            return {
                "loss_classifier": means[0],
                "loss_objectness": means[1],
                "loss_box_reg": self.config.box_loss_weight * means[2],
            }
        results = []
        for number in range(len(found.odds)):
            odds, deltas, anchors = found.best_of(number, self.config.candidates)
            boxes = self._coder.decode_single(deltas, anchors)
            expressions = self._classify(found, number, boxes)
            result = select_detections(
                boxes,
                join_logits(odds, expressions),
                batch.image_sizes[number],
                self.config.nms_iou,
                self.config.detections,
            )
            if placed is not None:
                of_targets = self._classify(found, number, placed[number]["boxes"])
                result["target_probabilities"] = of_targets.softmax(-1)
            results.append(result)
        answers: list[dict[str, Tensor]] = self.transform.postprocess(
            results, batch.image_sizes, sizes
        )
        return answers

    def backbone_layers(self) -> list[nn.Module]:
        """See FaceModel."""
        return split_extractor(self.backbone)

    def raw_outputs(self, pictures: Tensor, candidates: int | None = None) -> dict[str, Tensor]:
        """See FaceModel; for one picture."""
        batch, _ = self.transform(pictures)
        found = self._predict(batch.tensors)
        odds, deltas, anchors = found.odds[0], found.deltas[0], found.anchors
        if candidates is not None:
            # Before any expression is looked at: that of all anchors costs as much as a part of
            # the backbone.
            odds, deltas, anchors = found.best_of(0, candidates)
        expressions = self._classify(found, 0, self._coder.decode_single(deltas, anchors))
        logits = join_logits(odds, expressions)
        return {"logits": logits[None], "deltas": deltas[None], "anchors": anchors}

    def _run_normalised(self, pictures: Tensor) -> object:
        batch, _ = self.transform(pictures)
        return self._predict(batch.tensors)

    def _predict(self, images: Tensor) -> _Prediction:
        maps = list(self.backbone(images).values())
        found = self.head(maps)
        scores = (self.fine_class_score, self.class_score)
        return _Prediction(
            found["cls_logits"].squeeze(-1).float(),
            found["bbox_regression"].float(),
            self.anchors,
            [score(each.permute(0, 2, 3, 1)) for score, each in zip(scores, maps, strict=False)],
        )

    def _classify(self, found: _Prediction, picture: int, boxes: Tensor) -> Tensor:
        """Boxes [N, 4] in input pixels of the batch's picture of that number -> logits [N, C]."""
        around = self.config.class_margin * (boxes[:, 2:] - boxes[:, :2]).amax(1, keepdim=True)
        windows = torch.cat([boxes[:, :2] - around, boxes[:, 2:] + around], 1)
        means = [
            average_cells(each[picture], windows, self.config.input_size) for each in found.scores
        ]
        return sum(means[1:], means[0])

    def _losses(self, found: _Prediction, picture: int, target: Target) -> tuple[Tensor, ...]:
        """Losses of one picture: expressions, a mean over its faces; faces and boxes, both divided
        by its positive anchors.
        """
        odds, deltas, anchors = found.odds[picture], found.deltas[picture], found.anchors
        boxes, labels = target["boxes"], target["labels"]
        matched, ignored = match_anchors(boxes, labels, anchors, self.config)
        positive = matched >= 0
        count = max(1, int(positive.sum()))
        background = F.softplus(odds)
        candidates = background.detach().masked_fill(positive | ignored, -1.0)
        negative = candidates.topk(min(self.config.negatives * count, len(candidates))).indices
        negative = negative[candidates[negative] >= 0]
        of_faces = F.softplus(-odds[positive]).sum() + background[negative].sum()
        truth = self._coder.encode_single(boxes[matched[positive]], anchors[positive])
        of_boxes = F.smooth_l1_loss(deltas[positive], truth, beta=SMOOTH_L1_BETA, reduction="sum")
        labelled = labels > 0
        soft = target.get("label_probabilities")
        of_expressions = cross_entropy(
            self._classify(found, picture, boxes[labelled]),
            labels[labelled] - 1,
            soft[labelled] if soft is not None else None,
        )
        return of_expressions / max(1, int(labelled.sum())), of_faces / count, of_boxes / count


def build(config: Config, classes: Sequence[str]) -> FaceSSDLite:
    """Build the detector with random weights, in channels_last."""
    return FaceSSDLite(config, classes).to(memory_format=torch.channels_last)


def join_logits(odds: Tensor, expressions: Tensor) -> Tensor:
    """Log odds of a face [N] and logits of its expressions [N, C] -> logits [N, 1 + C].

    Of background and expressions, as detectors are exported: softmax gives the probability of a
    face, and of each expression given a face.
    """
    of_classes = odds[:, None] + expressions.log_softmax(-1)
    return torch.cat([torch.zeros_like(odds)[:, None], of_classes], 1)
