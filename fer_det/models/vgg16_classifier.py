"""The detector's backbone and box head alone: VGG16 that names the expression in a given box.

The face's box is pooled to 7 x 7 bins by the detector's own RoIAlign, so that fc6 and fc7 learn
from the very features that they will meet in the detector, and are found there under the same
names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fer_det.config.training import ModelConfig
from fer_det.losses.softmax import Softmax
from fer_det.models.roi_align import align_rois
from fer_det.models.sampling import PictureRandom, picture_seed
from fer_det.models.transform import Target, ViewTransform
from fer_det.models.vgg16 import OUT_CHANNELS, STRIDE, VGG16Backbone, vgg16_features
from fer_det.models.vgg16_frcnn.roi_heads import POOLED, SAMPLING_RATIO, BoxHead

LOSS_PREFIX = "loss."


class FaceHead(nn.Module):
    """The box head and, in place of a detector's answers, one logit an expression."""

    def __init__(
        self,
        width: int,
        classes: int,
        dropout: float,
        random: PictureRandom,
        rank: int | None = None,
    ) -> None:
        super().__init__()
        self.box_head = BoxHead(OUT_CHANNELS, width, dropout, random, rank)
        self.class_score = nn.Linear(width, classes)
        nn.init.normal_(self.class_score.weight, std=0.01)
        nn.init.zeros_(self.class_score.bias)

    def forward(self, pooled: Tensor, counts: list[int]) -> tuple[Tensor, Tensor]:
        """pooled [R, C, 7, 7], `counts` rows a picture -> features [R, width], logits [R, C].

        Features are fc7's before its dropout, whose holes would outweigh what sets faces apart.
        """
        features = self.box_head.whole_features(pooled, counts)
        return features, self.class_score(self.box_head.dropout(features, counts))


class FaceClassifier(nn.Module):
    """Says of a box in a picture, usually a face cut out with a margin, which expression it shows.

    Training: images [3, H, W] in 0..1 and targets {boxes [N, 4], labels [N] int64 (1..C, or -1 for
    a face to ignore), seed [] int64 (optional)} -> a dict of named losses.

    Evaluation: a dict a picture {boxes [1, 4], scores [1], labels [1], probabilities [1, C]}. It
    looks for no faces, so the box is the whole picture and its score 1. Where targets with boxes
    are given, also target_probabilities [N, C], of those very boxes.
    """

    def __init__(self, config: ModelConfig, classes: Sequence[str], loss: nn.Module) -> None:
        """loss: one of fer_det.losses."""
        super().__init__()
        random = PictureRandom()
        self.transform = ViewTransform(config.input_size, config.image_mean, config.image_std)
        self.backbone = VGG16Backbone(vgg16_features(batch_norm=config.batch_norm))
        self.roi_heads = FaceHead(
            config.head_width, len(classes), config.dropout, random, config.head_rank
        )
        self.loss = loss
        self._random = random
        self.register_load_state_dict_pre_hook(_leave_loss_out)  # type: ignore[no-untyped-call]

    def forward(
        self, images: Sequence[Tensor] | Tensor, targets: list[Target] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """See the class."""
        if self.training:
            assert targets is not None
            return self._losses(images, targets)
        sizes = [(image.shape[-2], image.shape[-1]) for image in images]
        batch, placed = self.transform(images, targets)
        boxes = [
            batch.tensors.new_tensor([[0.0, 0.0, width, height]])
            for height, width in batch.image_sizes
        ]
        if placed is not None:
            asked = [target["boxes"] for target in placed]
            boxes = [torch.cat(pair) for pair in zip(boxes, asked, strict=True)]
        _, logits = self._read(batch.tensors, boxes)
        counts = [len(of_picture) for of_picture in boxes]
        rows = torch.split(logits.softmax(-1), counts)
        results = [
            _answer(box[:1], of_picture, placed is not None)
            for box, of_picture in zip(boxes, rows, strict=True)
        ]
        answers: list[dict[str, Tensor]] = self.transform.postprocess(
            results, batch.image_sizes, sizes
        )
        return answers

    def _losses(
        self, images: Sequence[Tensor] | Tensor, targets: list[Target]
    ) -> dict[str, Tensor]:
        self._random.reseed([picture_seed(target) for target in targets])
        batch, placed = self.transform(images, targets)
        labelled = [target["labels"] > 0 for target in placed]
        boxes = [target["boxes"][mask] for target, mask in zip(placed, labelled, strict=True)]
        labels = [target["labels"][mask] for target, mask in zip(placed, labelled, strict=True)]
        features, logits = self._read(batch.tensors, boxes)
        # Distances and sums of squares want more digits than autocast would leave them.
        with torch.autocast(features.device.type, enabled=False):
            wide = features.to(torch.promote_types(features.dtype, torch.float32))
            losses: dict[str, Tensor] = self.loss(wide, logits, torch.cat(labels) - 1)
        return losses

    def _read(self, pictures: Tensor, boxes: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Features [R, W] and logits [R, C], in float32 or wider, of all boxes."""
        pooled = align_rois(self.backbone(pictures)["0"], boxes, POOLED, STRIDE, SAMPLING_RATIO)
        features, logits = self.roi_heads(pooled, [len(of_picture) for of_picture in boxes])
        return features, logits.to(torch.promote_types(logits.dtype, torch.float32))


def build(
    config: ModelConfig, classes: Sequence[str], loss: nn.Module | None = None
) -> FaceClassifier:
    """Make the untrained classifier for those classes, in channels_last; by default for softmax."""
    model = FaceClassifier(config, classes, loss if loss is not None else Softmax())
    model.to(memory_format=torch.channels_last)
    return model


def without_loss(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict without what only training needs, such as centres."""
    return {name: tensor for name, tensor in state.items() if not name.startswith(LOSS_PREFIX)}


def _answer(whole: Tensor, rows: Tensor, was_asked: bool) -> dict[str, Tensor]:
    """whole [1, 4], rows [1 + N, C], the whole picture's first -> see FaceClassifier."""
    answer = {
        "boxes": whole,
        "scores": whole.new_ones(1),
        "labels": rows[:1].argmax(-1) + 1,
        "probabilities": rows[:1],
    }
    return {**answer, "target_probabilities": rows[1:]} if was_asked else answer


def _leave_loss_out(model: nn.Module, state: dict[str, Any], prefix: str, *_others: object) -> None:
    """Let a model that is built for its answers read the checkpoint of one with centres."""
    known = {prefix + name for name in dict(model.named_buffers())}
    for name in [n for n in state if n.startswith(prefix + LOSS_PREFIX) and n not in known]:
        del state[name]
