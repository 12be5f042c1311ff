"""The network of the classifier on VGG16.

The detector's own RoIAlign pools the face's box, so that fc6 and fc7 learn from the features that
they get in the detector, where they have the same names.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fer_det.losses.softmax import Softmax
from fer_det.models.layers import align_rois
from fer_det.models.sampling import PictureRandom, picture_seed
from fer_det.models.transform import Target, ViewTransform
from fer_det.models.vgg16.network import (
    OUT_CHANNELS,
    STRIDE,
    BoxHead,
    VGG16Backbone,
    VGG16Model,
)
from fer_det.models.vgg16_classifier.config import Config


class FaceHead(nn.Module):
    """The box head and one logit for each expression."""

    def __init__(self, classes: int, config: Config, random: PictureRandom) -> None:
        super().__init__()
        self.box_head = BoxHead(OUT_CHANNELS, config, random)
        self.class_score = nn.Linear(config.head_width, classes)
        nn.init.normal_(self.class_score.weight, std=0.01)
        nn.init.zeros_(self.class_score.bias)

    def forward(self, pooled: Tensor, counts: list[int]) -> tuple[Tensor, Tensor]:
        """pooled [R, C, P, P], `counts` rows for each picture -> features [R, W], logits [R, C].

        Features are fc7's output before its dropout, whose zeros would dominate their distances.
        """
        features = self.box_head.before_dropout(pooled, counts)
        return features, self.class_score(self.box_head.dropout(features, counts))


class FaceClassifier(VGG16Model):
    """A FaceModel that finds no faces: its one box is the whole picture, with score 1.

    The picture is usually a face crop with a margin. Faces with label -1 do not enter the loss.
    """

    class_layers = ("roi_heads.class_score", "loss.of_features")
    training_prefixes = ("loss.",)

    def __init__(self, config: Config, classes: Sequence[str], loss: nn.Module) -> None:
        """loss: one of fer_det.losses."""
        super().__init__()
        random = PictureRandom()
        self.config, self.classes = config, tuple(classes)
        self.transform = ViewTransform(
            config.input_size, config.image_mean, config.image_std, config.illumination
        )
        self.backbone = VGG16Backbone(config.batch_norm)
        self.roi_heads = FaceHead(len(classes), config, random)
        self.loss = loss
        self._random = random

    def forward(
        self, images: Sequence[Tensor] | Tensor, targets: list[Target] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """See FaceModel."""
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
            given = [target["boxes"] for target in placed]
            boxes = [torch.cat(pair) for pair in zip(boxes, given, strict=True)]
        _, logits = self._classify(batch.tensors, boxes)
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

        def of_labelled(name: str) -> list[Tensor]:
            return [target[name][mask] for target, mask in zip(placed, labelled, strict=True)]

        labels, shares = torch.cat(of_labelled("labels")) - 1, None
        if all("label_probabilities" in target for target in targets):
            shares = torch.cat(of_labelled("label_probabilities"))
        features, logits = self._classify(batch.tensors, of_labelled("boxes"))
        # Distances and sums of squares need more digits than autocast leaves.
        with torch.autocast(features.device.type, enabled=False):
            wide = features.to(torch.promote_types(features.dtype, torch.float32))
            losses: dict[str, Tensor] = self.loss(wide, logits, labels, shares)
        return losses

    def _classify(self, pictures: Tensor, boxes: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Features [R, W] and logits [R, C], in float32 or wider, of all boxes."""
        features = self.backbone(pictures)["0"]
        assert isinstance(self.config, Config)
        pooled = align_rois(
            features, boxes, self.config.pooling_size, STRIDE, self.config.sampling_ratio
        )
        features, logits = self.roi_heads(pooled, [len(of_picture) for of_picture in boxes])
        return features, logits.to(torch.promote_types(logits.dtype, torch.float32))


def build(config: Config, classes: Sequence[str], loss: nn.Module | None = None) -> FaceClassifier:
    """Build the classifier with random weights, in channels_last.

    loss: one of fer_det.losses, softmax by default.
    """
    model = FaceClassifier(config, classes, loss if loss is not None else Softmax())
    return model.to(memory_format=torch.channels_last)


def _answer(whole: Tensor, rows: Tensor, has_targets: bool) -> dict[str, Tensor]:
    """whole [1, 4], rows [1 + N, C], the whole picture's first -> see FaceModel."""
    answer = {
        "boxes": whole,
        "scores": whole.new_ones(1),
        "labels": rows[:1].argmax(-1) + 1,
        "probabilities": rows[:1],
    }
    return {**answer, "target_probabilities": rows[1:]} if has_targets else answer
