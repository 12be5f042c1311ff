"""The network of Faster R-CNN on VGG16: backbone, region proposals, box head."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import roi_align

from fer_det.losses.softmax import cross_entropy
from fer_det.models.contract import select_detections
from fer_det.models.layers import align_rois
from fer_det.models.sampling import BalancedSampler, PictureRandom, picture_seed
from fer_det.models.transform import Target, ViewTransform
from fer_det.models.vgg16.network import (
    OUT_CHANNELS,
    STRIDE,
    BoxHead,
    VGG16Backbone,
    VGG16Model,
)
from fer_det.models.vgg16_frcnn.config import Config
from fer_det.models.vgg16_frcnn.rpn import POSITIVE_FRACTION, SMOOTH_L1_BETA, FaceRPN


class BoxPredictor(nn.Module):
    """Class logits (background first) and one box correction for all classes."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.cls_score = nn.Linear(width, classes + 1)
        self.bbox_pred = nn.Linear(width, 4)
        nn.init.normal_(self.cls_score.weight, std=0.01)
        nn.init.normal_(self.bbox_pred.weight, std=0.001)
        nn.init.zeros_(self.cls_score.bias)
        nn.init.zeros_(self.bbox_pred.bias)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """[R, width] -> logits [R, 1 + C] and deltas [R, 4], both float32."""
        return self.cls_score(features).float(), self.bbox_pred(features).float()


class FaceRoIHeads(RoIHeads):
    """torchvision's RoI heads with one box regression and one NMS for all classes.

    A ground-truth box with label -1 is a face to ignore: proposals on it are never sampled.
    """

    def __init__(self, channels: int, classes: int, config: Config, random: PictureRandom) -> None:
        super().__init__(
            box_roi_pool=None,
            box_head=BoxHead(channels, config, random),
            box_predictor=BoxPredictor(config.head_width, classes),
            fg_iou_thresh=config.match_iou,
            bg_iou_thresh=config.match_iou,
            batch_size_per_image=config.roi_samples,
            positive_fraction=POSITIVE_FRACTION,
            bbox_reg_weights=config.box_weights,
            score_thresh=0.0,
            nms_thresh=config.nms_iou,
            detections_per_img=config.detections,
        )
        self.config = config
        self.fg_bg_sampler = BalancedSampler(random, config.roi_samples, POSITIVE_FRACTION)

    def forward(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_shapes: list[tuple[int, int]],
        targets: list[dict[str, Tensor]] | None = None,
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """Losses in training; in evaluation a dict for each picture, see FaceModel."""
        if self.training:
            assert targets is not None
            proposals, matched, labels, deltas = self.select_training_samples(proposals, targets)
            logits, predicted = self._predict(features, proposals)
            shares = _label_probabilities(targets, matched)
            losses = self._losses(logits, predicted, torch.cat(labels), torch.cat(deltas), shares)
            # With a constant divisor the mean over processes is the mean over the global batch.
            divisor = self.config.roi_samples * len(proposals)
            return [], {name: loss / divisor for name, loss in losses.items()}
        truth = [target["boxes"] for target in targets] if targets is not None else None
        # The ground-truth boxes are pooled with the proposals: the backbone runs once.
        queries = proposals if truth is None else _join(proposals, truth)
        logits, predicted = self._predict(features, queries)
        counts = [len(boxes) for boxes in queries]
        results = []
        for picture, (logit, delta) in enumerate(
            zip(torch.split(logits, counts), torch.split(predicted, counts), strict=True)
        ):
            found = len(proposals[picture])
            boxes = self.box_coder.decode_single(delta[:found], proposals[picture])
            result = self._detections(boxes, logit[:found], image_shapes[picture])
            if truth is not None:
                result["target_probabilities"] = logit[found:, 1:].softmax(-1)
            results.append(result)
        return results, {}

    def _predict(self, features: dict[str, Tensor], boxes: list[Tensor]) -> tuple[Tensor, Tensor]:
        config = self.config
        pooled = align_rois(
            features["0"], boxes, config.pooling_size, STRIDE, config.sampling_ratio
        )
        hidden = self.box_head(pooled, [len(of_picture) for of_picture in boxes])
        logits, deltas = self.box_predictor(hidden)
        return logits, deltas

    def _losses(
        self,
        logits: Tensor,
        predicted: Tensor,
        labels: Tensor,
        deltas: Tensor,
        label_probabilities: Tensor | None,
    ) -> dict[str, Tensor]:
        """Sums over the sampled boxes."""
        positive = labels > 0
        if label_probabilities is not None:
            # The background's column comes first, and is all of a negative box.
            of_face = label_probabilities * positive[:, None]
            label_probabilities = torch.cat([(~positive).to(of_face)[:, None], of_face], 1)
        box_loss = F.smooth_l1_loss(
            predicted[positive], deltas[positive], beta=SMOOTH_L1_BETA, reduction="sum"
        )
        return {
            "loss_classifier": cross_entropy(logits, labels, label_probabilities),
            "loss_box_reg": self.config.box_loss_weight * box_loss,
        }

    def _detections(
        self, boxes: Tensor, logits: Tensor, image_shape: tuple[int, int]
    ) -> dict[str, Tensor]:
        return select_detections(
            boxes, logits, image_shape, self.nms_thresh, self.detections_per_img
        )


class FaceFasterRCNN(VGG16Model, GeneralizedRCNN):
    """torchvision's Faster R-CNN as a FaceModel."""

    class_layers = ("roi_heads.box_predictor.cls_score",)

    def __init__(self, config: Config, classes: Sequence[str]) -> None:
        random = PictureRandom()
        super().__init__(
            backbone=VGG16Backbone(config.batch_norm),
            rpn=FaceRPN(OUT_CHANNELS, config, random),
            roi_heads=FaceRoIHeads(OUT_CHANNELS, len(classes), config, random),
            transform=ViewTransform(config.input_size, config.image_mean, config.image_std),
        )
        self.config, self.classes = config, tuple(classes)
        self._random = random

    def forward(
        self, images: Sequence[Tensor] | Tensor, targets: list[Target] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """See FaceModel."""
        if self.training and targets is not None:
            self._random.reseed([picture_seed(target) for target in targets])
        answer: dict[str, Tensor] | list[dict[str, Tensor]] = super().forward(images, targets)
        return answer

    def raw_outputs(
        self,
        pictures: Tensor,
        candidates: int | None = None,  # noqa: ARG002  (the proposals are few)
    ) -> dict[str, Tensor]:
        """See FaceModel; the proposals are the anchors, whatever `candidates` is.

        torchvision's RoIAlign, an operator of ONNX, stands for align_rois: the same to rounding.
        """
        config, heads = self.config, self.roi_heads
        assert isinstance(config, Config)
        assert isinstance(heads, FaceRoIHeads)
        assert isinstance(self.rpn, FaceRPN)
        batch, _ = self.transform(pictures)
        features = self.backbone(batch.tensors)
        (proposals,), _ = self.rpn(batch, features)
        pooled = roi_align(
            features["0"],
            [proposals],
            config.pooling_size,
            1 / STRIDE,
            config.sampling_ratio,
            aligned=True,
        )
        logits, deltas = heads.box_predictor(heads.box_head(pooled, [proposals.shape[0]]))
        return {"logits": logits[None], "deltas": deltas[None], "anchors": proposals}


def build(config: Config, classes: Sequence[str]) -> FaceFasterRCNN:
    """Build the detector with random weights, in channels_last."""
    return FaceFasterRCNN(config, classes).to(memory_format=torch.channels_last)


def _label_probabilities(targets: list[dict[str, Tensor]], matched: list[Tensor]) -> Tensor | None:
    """Return the row [C] of the face that each sampled box was matched with; None without any."""
    if not all("label_probabilities" in target for target in targets):
        return None
    rows = []
    for target, indices in zip(targets, matched, strict=True):
        of_faces = target["label_probabilities"]
        none = of_faces.new_zeros(len(indices), of_faces.shape[1])
        rows.append(of_faces[indices] if len(of_faces) else none)
    return torch.cat(rows)


def _join(first: list[Tensor], second: list[Tensor]) -> list[Tensor]:
    return [torch.cat(pair) for pair in zip(first, second, strict=True)]
