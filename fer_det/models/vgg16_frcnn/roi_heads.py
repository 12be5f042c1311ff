"""The second stage: one box a face, with a probability for each expression."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import clip_boxes_to_image, nms, remove_small_boxes

from fer_det.models.low_rank import linear, start_for_relu
from fer_det.models.roi_align import align_rois
from fer_det.models.sampling import BalancedSampler, PictureRandom
from fer_det.models.vgg16 import STRIDE
from fer_det.models.vgg16_frcnn.rpn import SMOOTH_L1_BETA

POOLED = 7
SAMPLING_RATIO = 2
MATCH_IOU = 0.5
POSITIVE_FRACTION = 0.5
BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
SMALLEST_SIDE = 1e-2


class PictureDropout(nn.Module):
    """Dropout whose mask each picture draws from its own generator."""

    def __init__(self, probability: float, random: PictureRandom) -> None:
        super().__init__()
        self.probability = probability
        self._random = random

    def forward(self, features: Tensor, counts: list[int]) -> Tensor:
        """features [sum(counts), W], the rows of each picture together -> the same shape."""
        if not self.training or self.probability == 0:
            return features
        drawn = [
            self._random.uniform(picture, count, features.shape[1])
            for picture, count in enumerate(counts)
        ]
        kept = torch.cat(drawn).to(features.device) >= self.probability
        return features * (kept / (1 - self.probability)).to(features.dtype)


class BoxHead(nn.Module):
    """VGG16's fc6 and fc7 on the pooled features of each box."""

    def __init__(
        self,
        channels: int,
        width: int,
        dropout: float,
        random: PictureRandom,
        rank: int | None = None,
    ) -> None:
        super().__init__()
        self.fc6 = linear(channels * POOLED**2, width, rank)
        self.fc7 = linear(width, width, rank)
        self.dropout = PictureDropout(dropout, random)
        for layer in (self.fc6, self.fc7):
            start_for_relu(layer)

    def forward(self, pooled: Tensor, counts: list[int]) -> Tensor:
        """pooled [R, C, 7, 7], `counts` rows a picture -> [R, width]."""
        features: Tensor = self.dropout(self.whole_features(pooled, counts), counts)
        return features

    def whole_features(self, pooled: Tensor, counts: list[int]) -> Tensor:
        """The same before the last dropout."""
        hidden = self.dropout(F.relu(self.fc6(pooled.flatten(1))), counts)
        return F.relu(self.fc7(hidden))


class BoxPredictor(nn.Module):
    """Class logits (background first) and one box correction, whatever the class."""

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

    A ground truth box with label -1 is a face to ignore: proposals on it are never sampled.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        classes: int,
        dropout: float,
        samples: int,
        box_loss_weight: float,
        nms_iou: float,
        detections: int,
        random: PictureRandom,
        rank: int | None = None,
    ) -> None:
        super().__init__(
            box_roi_pool=None,
            box_head=BoxHead(channels, width, dropout, random, rank),
            box_predictor=BoxPredictor(width, classes),
            fg_iou_thresh=MATCH_IOU,
            bg_iou_thresh=MATCH_IOU,
            batch_size_per_image=samples,
            positive_fraction=POSITIVE_FRACTION,
            bbox_reg_weights=BOX_WEIGHTS,
            score_thresh=0.0,
            nms_thresh=nms_iou,
            detections_per_img=detections,
        )
        self.samples = samples
        self.box_loss_weight = box_loss_weight
        self.fg_bg_sampler = BalancedSampler(random, samples, POSITIVE_FRACTION)

    def forward(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_shapes: list[tuple[int, int]],
        targets: list[dict[str, Tensor]] | None = None,
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """Losses in training; in evaluation a dict a picture, see FaceFasterRCNN."""
        if self.training:
            proposals, _, labels, deltas = self.select_training_samples(proposals, targets)
            logits, predicted = self._predict(features, proposals)
            losses = self._losses(logits, predicted, torch.cat(labels), torch.cat(deltas))
            # A constant divisor makes the mean over processes the mean over the global batch.
            divisor = self.samples * len(proposals)
            return [], {name: loss / divisor for name, loss in losses.items()}
        truth = [target["boxes"] for target in targets] if targets is not None else None
        # The truth's boxes ride along, so that the features of a picture are computed once.
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
                result["target_probabilities"] = _given_face(logit[found:])
            results.append(result)
        return results, {}

    def _predict(self, features: dict[str, Tensor], boxes: list[Tensor]) -> tuple[Tensor, Tensor]:
        pooled = align_rois(features["0"], boxes, POOLED, STRIDE, SAMPLING_RATIO)
        hidden = self.box_head(pooled, [len(of_picture) for of_picture in boxes])
        logits, deltas = self.box_predictor(hidden)
        return logits, deltas

    def _losses(
        self, logits: Tensor, predicted: Tensor, labels: Tensor, deltas: Tensor
    ) -> dict[str, Tensor]:
        """Sums over the sampled boxes."""
        positive = labels > 0
        box_loss = F.smooth_l1_loss(
            predicted[positive], deltas[positive], beta=SMOOTH_L1_BETA, reduction="sum"
        )
        return {
            "loss_classifier": F.cross_entropy(logits, labels, reduction="sum"),
            "loss_box_reg": self.box_loss_weight * box_loss,
        }

    def _detections(
        self, boxes: Tensor, logits: Tensor, image_shape: tuple[int, int]
    ) -> dict[str, Tensor]:
        boxes = clip_boxes_to_image(boxes, image_shape)
        scores = 1 - logits.softmax(-1)[:, 0]
        keep = remove_small_boxes(boxes, SMALLEST_SIDE)
        keep = keep[nms(boxes[keep], scores[keep], self.nms_thresh)][: self.detections_per_img]
        probabilities = _given_face(logits[keep])
        return {
            "boxes": boxes[keep],
            "scores": scores[keep],
            "labels": probabilities.argmax(-1) + 1,
            "probabilities": probabilities,
        }


def _given_face(logits: Tensor) -> Tensor:
    """Logits [R, 1 + C], background first -> probabilities [R, C] given that it is a face."""
    return logits[:, 1:].softmax(-1)


def _join(first: list[Tensor], second: list[Tensor]) -> list[Tensor]:
    return [torch.cat(pair) for pair in zip(first, second, strict=True)]
