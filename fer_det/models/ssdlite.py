"""SSDLite on MobileNetV3: a small one-stage detector with one box for each face.

Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018, section 6.2, on the
backbone of Howard et al., "Searching for MobileNetV3", 2019. Each anchor predicts one box and the
logits of background and expressions; there is one suppression for all classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

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
from fer_det.models.layers import anchor_offsets, merge_norms
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
        (0.45, 0.6),
        (0.75, 0.95),
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
    """Weight of the box loss beside the classification loss."""
    candidates: int = 100
    """Boxes with the highest scores that enter the suppression."""
    nms_iou: float = 0.4
    """Of two boxes with a higher IoU, only the one with the higher score is kept."""
    detections: int = 32
    """Highest number of boxes for each picture."""

    size_multiple: ClassVar[int] = 16
    former: ClassVar[Mapping[str, Any]] = {
        "anchor_scales": [[0.1, 0.15], [0.22, 0.32], [0.45, 0.6], [0.75, 0.95]],
        "anchor_spacing": 0.0,
    }

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

    @property
    def freezable_layers(self) -> int:
        """The stem, the blocks, of which one is split, and the last convolution."""
        return FREEZABLE_LAYERS[self.width]


class FaceSSDLite(FaceModel):
    """torchvision's SSDLite parts as a FaceModel."""

    config: Config
    head_prefixes = ("head.",)
    optional_prefixes = ("backbone.extra.",)

    def __init__(self, config: Config, classes: Sequence[str]) -> None:
        super().__init__()
        self.config, self.classes = config, tuple(classes)
        self.transform = ViewTransform(config.input_size, config.image_mean, config.image_std)
        self.backbone = make_extractor(config.width, len(config.anchor_scales))
        size = config.input_size
        channels = retrieve_out_channels(self.backbone, (size, size))
        anchors = [len(cell) for cell in _cell_anchors(config, _map_sides(config))]
        self.head = SSDLiteHead(channels, anchors, 1 + len(classes), nn.BatchNorm2d)
        merge_norms(self, config.batch_norm)
        outputs = range(len(anchors))
        self.class_layers = tuple(f"head.classification_head.module_list.{n}.1" for n in outputs)
        self._coder = BoxCoder(config.box_weights)

    def forward(
        self, images: Sequence[Tensor] | Tensor, targets: list[Target] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """See FaceModel."""
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        batch, placed = self.transform(images, targets)
        logits, deltas, anchors = self._predict(batch.tensors)
        if self.training:
            assert placed is not None
            losses = [
                self._losses(*of_picture, anchors)
                for of_picture in zip(logits, deltas, placed, strict=True)
            ]
            means = torch.stack([torch.stack(of_picture) for of_picture in losses]).mean(0)
            box_loss = self.config.box_loss_weight * means[1]
            return {"loss_classifier": means[0], "loss_box_reg": box_loss}
        results = []
        for number, (logit, delta) in enumerate(zip(logits, deltas, strict=True)):
            odds = logit[:, 1:].logsumexp(-1) - logit[:, 0]
            best = odds.topk(min(self.config.candidates, len(odds))).indices
            boxes = self._coder.decode_single(delta[best], anchors[best])
            result = select_detections(
                boxes,
                logit[best],
                batch.image_sizes[number],
                self.config.nms_iou,
                self.config.detections,
            )
            if placed is not None:
                result["target_probabilities"] = self._classify(
                    placed[number]["boxes"], logit, anchors
                )
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
        return dict(zip(("logits", "deltas", "anchors"), self._predict(batch.tensors), strict=True))

    def _run_normalised(self, pictures: Tensor) -> object:
        batch, _ = self.transform(pictures)
        return self._predict(batch.tensors)

    def _predict(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[B, 3, S, S] -> logits [B, A, 1 + C], box deltas [B, A, 4], anchors [A, 4]."""
        maps = list(self.backbone(images).values())
        found = self.head(maps)
        sides = [(each.shape[-2], each.shape[-1]) for each in maps]
        anchors = make_anchors(self.config, sides).to(images.device)
        return found["cls_logits"].float(), found["bbox_regression"].float(), anchors

    def _losses(
        self, logits: Tensor, deltas: Tensor, target: Target, anchors: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Classification and box loss of one picture, both divided by its positive anchors."""
        matched, ignored = match_anchors(target["boxes"], target["labels"], anchors, self.config)
        positive = matched >= 0
        count = max(1, int(positive.sum()))
        labels = torch.zeros_like(matched)
        labels[positive] = target["labels"][matched[positive]]
        background = -logits.log_softmax(-1)[:, 0]
        candidates = background.detach().masked_fill(positive | ignored, -1.0)
        negative = candidates.topk(min(self.config.negatives * count, len(candidates))).indices
        negative = negative[candidates[negative] >= 0]
        soft = target.get("label_probabilities")
        if soft is not None:
            soft = F.pad(soft[matched[positive]], (1, 0))
        of_faces = cross_entropy(logits[positive], labels[positive], soft)
        truth = self._coder.encode_single(target["boxes"][matched[positive]], anchors[positive])
        box_loss = F.smooth_l1_loss(deltas[positive], truth, beta=SMOOTH_L1_BETA, reduction="sum")
        return (of_faces + background[negative].sum()) / count, box_loss / count

    def _classify(self, boxes: Tensor, logits: Tensor, anchors: Tensor) -> Tensor:
        """Boxes [N, 4] -> [N, C], the mean over the anchors that training would match with each."""
        probabilities = logits[:, 1:].softmax(-1)
        if not len(boxes):
            return probabilities[:0]
        iou: Tensor = box_iou(boxes, anchors)
        chosen = iou >= iou.amax(1, keepdim=True).clamp(max=self.config.match_iou)
        weights = chosen.to(probabilities.dtype)
        return weights @ probabilities / weights.sum(1, keepdim=True)


def build(config: Config, classes: Sequence[str]) -> FaceSSDLite:
    """Build the detector with random weights, in channels_last."""
    return FaceSSDLite(config, classes).to(memory_format=torch.channels_last)


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
