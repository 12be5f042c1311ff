"""The contract of classifiers that see a whole face crop: features, dropout, one linear layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from fer_det.config.model import ClassifierModelConfig
from fer_det.models.contract import FaceModel
from fer_det.models.layers import WideLinear
from fer_det.models.sampling import PictureDropout, PictureRandom, picture_seed
from fer_det.models.transform import Target, ViewTransform


class CropClassifier(FaceModel):
    """A FaceModel that finds no faces: its one box is the whole picture, with score 1.

    The picture is a face crop, and the boxes of targets only say how many answers are wanted: each
    gets the crop's. Faces with label -1 do not enter the loss. A subclass sets `backbone`, which
    maps [B, 3, S, S] to a feature map [B, feature_width, H, W], or overrides `feature_map`.
    """

    head_prefixes: ClassVar[tuple[str, ...]] = ("class_score",)
    class_layers = ("class_score", "loss.of_features")
    training_prefixes = ("loss.",)
    traces_batches = True

    def __init__(
        self,
        config: ClassifierModelConfig,
        classes: Sequence[str],
        loss: nn.Module,
        dropout: float,
    ) -> None:
        """loss: one of fer_det.losses; dropout: of the features, before the last layer."""
        super().__init__()
        self.config, self.classes = config, tuple(classes)
        self.transform = ViewTransform(
            config.input_size, config.image_mean, config.image_std, config.illumination
        )
        score = WideLinear(config.feature_width, len(classes))
        nn.init.normal_(score.weight, std=0.01)
        nn.init.zeros_(score.bias)
        self.class_score: nn.Module = score
        self.loss = loss
        self._random = PictureRandom()
        self._dropout = PictureDropout(dropout, self._random)

    def forward(
        self, images: Sequence[Tensor] | Tensor, targets: list[Target] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """See FaceModel."""
        if self.training:
            assert targets is not None
            return self._losses(images, targets)
        batch, _ = self.transform(images)
        _, logits = self.classify(batch.tensors)
        answers = []
        for row, image in enumerate(images):
            probabilities = logits[row : row + 1].softmax(-1)
            height, width = image.shape[-2:]
            answer = {
                "boxes": probabilities.new_tensor([[0.0, 0.0, width, height]]),
                "scores": probabilities.new_ones(1),
                "labels": probabilities.argmax(-1) + 1,
                "probabilities": probabilities,
            }
            if targets is not None:
                wanted = len(targets[row]["boxes"])
                answer["target_probabilities"] = probabilities.expand(wanted, -1)
            answers.append(answer)
        return answers

    def raw_outputs(
        self,
        pictures: Tensor,
        candidates: int | None = None,  # noqa: ARG002  (of detectors)
    ) -> dict[str, Tensor]:
        """See FaceModel."""
        batch, _ = self.transform(pictures)
        return {"logits": self.classify(batch.tensors)[1]}

    def feature_map(self, batch: Tensor) -> Tensor:
        """Normalised crops [B, 3, S, S] -> the map whose mean is the feature vector."""
        found: Tensor = self.backbone(batch)
        return found

    def classify(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised crops [B, 3, S, S] -> features [B, W] and logits [B, C], float32 or wider."""
        pooled = self.feature_map(batch).mean((2, 3))
        features = pooled.to(torch.promote_types(pooled.dtype, torch.float32))
        return features, self.class_score(self._dropout(features, [1] * len(features)))

    def _losses(
        self, images: Sequence[Tensor] | Tensor, targets: list[Target]
    ) -> dict[str, Tensor]:
        self._random.reseed([picture_seed(target) for target in targets])
        batch, _ = self.transform(images, targets)
        features, logits = self.classify(batch.tensors)
        # A face that augmentation has moved out of its crop has no label.
        rows = [k for k, target in enumerate(targets) for label in target["labels"] if label > 0]
        labels = torch.cat([target["labels"][target["labels"] > 0] for target in targets]) - 1
        shares = None
        if all("label_probabilities" in target for target in targets):
            shares = torch.cat(
                [target["label_probabilities"][target["labels"] > 0] for target in targets]
            )
        losses: dict[str, Tensor]
        with torch.autocast(features.device.type, enabled=False):
            losses = self.loss(features[rows], logits[rows], labels, shares)
        return losses
