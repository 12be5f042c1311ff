"""SSDLite on MobileNetV3: a small one-stage detector with one box for each face.

Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018, section 6.2, on the
backbone of Howard et al., "Searching for MobileNetV3", 2019. Each anchor predicts one box and the
log odds of a face; there is one suppression for all classes. A face's expression is not the
anchor's: linear layers score each cell of the maps of strides 16 and 32, and the mean over the
cells in the box is the face's logits, as a classifier averages its last map over a face crop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import mobilenet_v3_large, mobilenet_v3_small
from torchvision.models.detection._utils import BoxCoder, retrieve_out_channels
from torchvision.models.detection.ssdlite import SSDLiteFeatureExtractorMobileNet, SSDLiteHead
from torchvision.ops import box_iou

from fer_det.config.model import ModelConfig, demand
from fer_det.losses.softmax import cross_entropy
from fer_det.models.contract import FaceModel, select_detections
from fer_det.models.layers import WideLinear, anchor_offsets, merge_norms
from fer_det.models.transform import Target, ViewTransform

SMOOTH_L1_BETA = 1 / 9
FREEZABLE_LAYERS = {"large": 18, "small": 14}


@dataclass(frozen=True)
class Config(ModelConfig):
    """Settings of SSDLite on MobileNetV3."""

    name: str = "ssdlite"
    """Model to build; an unknown name lists the known ones."""
    width: Literal["large", "small"] = "large"
    """Which MobileNetV3 is the backbone."""
    anchor_scales: tuple[tuple[float, ...], ...] = (
        (0.05, 0.075, 0.1, 0.15),
        (0.22, 0.32),
        (0.45, 0.6, 0.75, 0.95),
    )
    """Sides of the anchors on each feature map, relative to the input size; strides 16, 32, ..."""
    anchor_ratio: float = 1.2
    """Height over width of the anchors."""
    anchor_spacing: float = 0.6
    """Longest distance between anchors of one size, relative to it; 0 places one in each cell."""
    match_iou: float = 0.5
    """An anchor that overlaps a face by this IoU is a positive, and so is a face's best anchor."""
    ignore_iou: float = 0.3
    """An anchor that overlaps a face to ignore by this IoU is neither positive nor negative."""
    negatives: int = 3
    """Negatives with the highest loss that enter the loss, for each positive."""
    box_weights: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)
    """Factors of the box corrections: x, y, log width, log height."""
    box_loss_weight: float = 0.25
    """Weight of the box loss beside the others."""
    class_margin: float = 0.1
    """Margin around a box whose cells decide its expression, relative to its longer side."""
    candidates: int = 100
    """Boxes with the highest scores that enter the suppression."""
    nms_iou: float = 0.4
    """Of two boxes with a higher IoU, only the one with the higher score is kept."""
    detections: int = 32
    """Highest number of boxes for each picture."""

    size_multiple: ClassVar[int] = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        maps = len(self.anchor_scales)
        demand(2 <= maps <= 6, f"--model.anchor_scales for {maps} maps", "2 to 6 maps")
        for scales in self.anchor_scales:
            holds = bool(scales) and all(0.001 <= scale <= 2 for scale in scales)
            demand(holds, f"--model.anchor_scales with {list(scales)}", "numbers from 0.001 to 2")
        self.demand_range("anchor_ratio", 0.1, 10, "0.1 to 10")
        self.demand_range("anchor_spacing", 0, 10, "0 to 10")
        self.demand_range("box_weights", 0.001, 1000, "numbers from 0.001 to 1000")
        for name in ("match_iou", "ignore_iou", "nms_iou"):
            value = getattr(self, name)
            demand(0 < value <= 1, f"--model.{name} {value}", f"0 < {name} <= 1")
        for name in ("negatives", "candidates", "detections"):
            demand(getattr(self, name) > 0, f"--model.{name} {getattr(self, name)}", "at least 1")
        weight = self.box_loss_weight
        demand(weight >= 0, f"--model.box_loss_weight {weight}", "0 or more")
        self.demand_range("class_margin", 0, 1, "0 to 1")

    @property
    def freezable_layers(self) -> int:
        """The stem, the blocks, of which one is split, and the last convolution."""
        return FREEZABLE_LAYERS[self.width]


class _Prediction(NamedTuple):
    """What the layers say of a batch of B pictures, A anchors each."""

    odds: Tensor
    """[B, A], the log odds of a face."""
    deltas: Tensor
    """[B, A, 4], the corrections of the anchors' boxes."""
    anchors: Tensor
    """[A, 4] in input pixels."""
    scores: list[Tensor]
    """[B, H, W, C] of the strides 16 and 32, whose means in a box add up to its logits."""


class FaceSSDLite(FaceModel):
    """torchvision's SSDLite parts as a FaceModel."""

    config: Config
    head_prefixes = ("head.", "class_score", "fine_class_score")
    class_layers = ("class_score", "fine_class_score")
    optional_prefixes = ("backbone.extra.",)

    def __init__(self, config: Config, classes: Sequence[str]) -> None:
        super().__init__()
        self.config, self.classes = config, tuple(classes)
        self.transform = ViewTransform(config.input_size, config.image_mean, config.image_std)
        self.backbone = make_extractor(config.width, len(config.anchor_scales))
        size = config.input_size
        channels = retrieve_out_channels(self.backbone, (size, size))
        anchors = [len(cell) for cell in _cell_anchors(config, _map_sides(config))]
        self.head = SSDLiteHead(channels, anchors, 1, nn.BatchNorm2d)
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
        for number, (odds, delta) in enumerate(zip(found.odds, found.deltas, strict=True)):
            best = odds.topk(min(self.config.candidates, len(odds))).indices
            boxes = self._coder.decode_single(delta[best], found.anchors[best])
            expressions = self._classify(found, number, boxes)
            result = select_detections(
                boxes,
                join_logits(odds[best], expressions),
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
        """Return stem, blocks and last convolution of MobileNetV3."""
        return split_extractor(self.backbone)

    def raw_outputs(self, pictures: Tensor) -> dict[str, Tensor]:
        """See FaceModel."""
        batch, _ = self.transform(pictures)
        found = self._predict(batch.tensors)
        logits = []
        for number, delta in enumerate(found.deltas):
            boxes = self._coder.decode_single(delta, found.anchors)
            expressions = self._classify(found, number, boxes)
            logits.append(join_logits(found.odds[number], expressions))
        return {"logits": torch.stack(logits), "deltas": found.deltas, "anchors": found.anchors}

    def _run_normalised(self, pictures: Tensor) -> object:
        batch, _ = self.transform(pictures)
        return self._predict(batch.tensors)

    def _predict(self, images: Tensor) -> _Prediction:
        maps = list(self.backbone(images).values())
        found = self.head(maps)
        sides = [(each.shape[-2], each.shape[-1]) for each in maps]
        scores = (self.fine_class_score, self.class_score)
        return _Prediction(
            found["cls_logits"].squeeze(-1).float(),
            found["bbox_regression"].float(),
            make_anchors(self.config, sides).to(images.device),
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


def average_cells(scores: Tensor, boxes: Tensor, input_size: int) -> Tensor:
    """Mean of the cells in each box, by the parts of them that it covers.

    scores [H, W, C] of a square input; boxes [N, 4] in its pixels -> [N, C]. What is outside the
    map does not count, and a box narrower than a cell is as wide as one.
    """
    height, width, classes = scores.shape
    in_y = _cover(boxes[:, 1::2] * (height / input_size), height)
    in_x = _cover(boxes[:, 0::2] * (width / input_size), width)
    with torch.autocast(scores.device.type, enabled=False):
        rows = (in_y @ scores.reshape(height, width * classes)).reshape(-1, width, classes)
        return (in_x[:, :, None] * rows).sum(1)


def _cover(edges: Tensor, cells: int) -> Tensor:
    """Which part of an interval is in each cell: edges [N, 2] in cells -> [N, cells]."""
    middle = edges.mean(1, keepdim=True).clamp(0.5, cells - 0.5)
    first, last = (
        torch.minimum(edges[:, :1], middle - 0.5),
        torch.maximum(edges[:, 1:], middle + 0.5),
    )
    grid = torch.arange(cells, device=edges.device, dtype=edges.dtype)
    covered = (torch.minimum(last, grid + 1) - torch.maximum(first, grid)).clamp(min=0)
    return covered / covered.sum(1, keepdim=True)


def join_logits(odds: Tensor, expressions: Tensor) -> Tensor:
    """Log odds of a face [N] and logits of its expressions [N, C] -> logits [N, 1 + C].

    Of background and expressions, as detectors are exported: softmax gives the probability of a
    face, and of each expression given a face.
    """
    of_classes = odds[:, None] + expressions.log_softmax(-1)
    return torch.cat([torch.zeros_like(odds)[:, None], of_classes], 1)


def make_anchors(config: Config, sides: Sequence[tuple[int, int]]) -> Tensor:
    """Anchors [A, 4] in input pixels around the cells' centres, for maps of these (H, W)."""
    anchors = []
    cells = _cell_anchors(config, [width for _, width in sides])
    for (height, width), cell in zip(sides, cells, strict=True):
        y = (torch.arange(height) + 0.5) * config.input_size / height
        x = (torch.arange(width) + 0.5) * config.input_size / width
        centres = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)
        # [H, W, 1, 4] and [K, 4]: cells row by row, and the anchors of each cell together.
        anchors.append((centres.repeat(1, 1, 2)[:, :, None] + cell).reshape(-1, 4))
    return torch.cat(anchors)


def _cell_anchors(config: Config, widths: Sequence[int]) -> list[Tensor]:
    """Anchors [K, 4] of a cell about its centre, for maps with so many cells in a row."""
    cells = []
    for width, scales in zip(widths, config.anchor_scales, strict=True):
        anchors = []
        for side in [scale * config.input_size for scale in scales]:
            offsets = anchor_offsets(side, config.input_size / width, config.anchor_spacing)
            stretch = config.anchor_ratio**0.5
            half = torch.tensor([side / stretch, side * stretch], device="cpu") / 2
            anchors.append(torch.cat([offsets - half, offsets + half], -1))
        cells.append(torch.cat(anchors))
    return cells


def _map_sides(config: Config) -> list[int]:
    """Side of each feature map in cells: stride 16, then each half of the one before it."""
    sides = [config.input_size // 16]
    while len(sides) < len(config.anchor_scales):
        sides.append((sides[-1] + 1) // 2)
    return sides


def match_anchors(
    boxes: Tensor, labels: Tensor, anchors: Tensor, config: Config
) -> tuple[Tensor, Tensor]:
    """Match anchors [A, 4] with faces [N, 4] -> [A] int64 index of a labelled face or -1, [A] bool.

    The mask marks anchors on faces to ignore (labels < 0). Each labelled face gets the anchor with
    the highest IoU, even where an ignored face overlaps it.
    """
    none = torch.full((len(anchors),), -1, dtype=torch.int64, device=anchors.device)
    if not len(boxes):
        return none, torch.zeros_like(none, dtype=torch.bool)
    iou = box_iou(boxes, anchors)
    labelled = labels > 0
    best, matched = iou.masked_fill(~labelled[:, None], -1.0).max(0)
    matched = torch.where(best >= config.match_iou, matched, none)
    (faces,) = labelled.nonzero(as_tuple=True)
    matched[iou[faces].argmax(1)] = faces
    on_ignored = iou.masked_fill(labelled[:, None], -1.0).amax(0) >= config.ignore_iou
    return matched, on_ignored & (matched < 0)


def make_extractor(width: str, maps: int) -> SSDLiteFeatureExtractorMobileNet:
    """MobileNetV3, whose maps have the strides 16 and 32, and SSDLite's extra blocks for further
    `maps`, each of half the side.
    """
    if width == "large":
        # With half of the channels in the last stage, as torchvision's SSDLite.
        network = mobilenet_v3_large(weights=None, norm_layer=nn.BatchNorm2d, reduced_tail=True)
    else:
        network = mobilenet_v3_small(weights=None, norm_layer=nn.BatchNorm2d)
    blocks = network.features
    last_stride = max(n for n, block in enumerate(blocks) if getattr(block, "_is_cn", False))
    extractor = SSDLiteFeatureExtractorMobileNet(blocks, last_stride, nn.BatchNorm2d)
    extractor.extra = extractor.extra[: maps - 2]
    return extractor


def split_extractor(backbone: nn.Module) -> list[nn.Module]:
    """Return stem, blocks and last convolution of a backbone of make_extractor."""
    assert isinstance(backbone, SSDLiteFeatureExtractorMobileNet)
    return [layer for part in backbone.features for layer in part]
