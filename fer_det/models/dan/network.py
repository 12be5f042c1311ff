"""DAN: Wen, Lin, Wang and Xu, "Distract your attention: multi-head cross attention network for
facial expression recognition", Biomimetics 8(2), 2023.

Each head weighs the places of ResNet18's last map (spatial attention), then the channels of its
mean (channel attention). The partition loss log(1 + H / v) drives the H heads apart, v the variance
between them, meant over faces and channels. The paper's affinity loss is `--loss affinity`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fer_det.losses.softmax import Softmax
from fer_det.models.contract import FaceModel
from fer_det.models.crop_classifier import CropClassifier
from fer_det.models.dan.config import Config
from fer_det.models.layers import NormalisedConv2d, merge_norms
from fer_det.models.torchvision_classifiers.network import residual_layers, resnet18_backbone
from fer_det.models.transform import Target

REDUCED = 256
BOTTLENECK = 32


class CrossAttentionHead(nn.Module):
    """Spatial, then channel attention: [B, W, H, W'] -> [B, W, 1, 1]."""

    def __init__(self, width: int, batch_norm: bool) -> None:
        super().__init__()
        conv = NormalisedConv2d if batch_norm else nn.Conv2d
        self.reduce = conv(width, REDUCED, 1)
        self.square = conv(REDUCED, width, 3, padding=1)
        self.row = conv(REDUCED, width, (1, 3), padding=(0, 1))
        self.column = conv(REDUCED, width, (3, 1), padding=(1, 0))
        self.squeeze = conv(width, BOTTLENECK, 1)
        self.excite = nn.Conv2d(BOTTLENECK, width, 1)
        for conv_layer in (self.reduce, self.square, self.row, self.column):
            nn.init.kaiming_normal_(conv_layer.weight, mode="fan_out")
        for linear in (self.squeeze, self.excite):
            nn.init.normal_(linear.weight, std=0.001)
        for layer in self.children():
            assert isinstance(layer, nn.Conv2d)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        reduced = self.reduce(features)
        places = torch.relu(self.square(reduced) + self.row(reduced) + self.column(reduced))
        attended = (features * places.sum(1, keepdim=True)).mean((2, 3), keepdim=True)
        channels = torch.sigmoid(self.excite(torch.relu(self.squeeze(attended))))
        return attended * channels


class DAN(CropClassifier):
    """See CropClassifier; the features are the mean of the backbone's map."""

    head_prefixes = ("class_score", "heads.")

    def __init__(self, config: Config, classes: Sequence[str], loss: nn.Module) -> None:
        """loss: one of fer_det.losses."""
        super().__init__(config, classes, loss, config.dropout)
        self.backbone = resnet18_backbone()
        merge_norms(self.backbone, config.batch_norm)
        self.heads = nn.ModuleList(
            CrossAttentionHead(config.width, config.batch_norm) for _ in range(config.heads)
        )
        # A linear layer, as a convolution of 1 x 1 so that its normalisation can be folded.
        conv = NormalisedConv2d if config.batch_norm else nn.Conv2d
        self.class_score = conv(config.width, len(classes), 1)
        self.class_score.keeps_precision = True  # type: ignore[assignment]
        self._partition_weight = config.partition_weight
        self._variance: Tensor | None = None

    def backbone_layers(self) -> list[nn.Module]:
        """See FaceModel."""
        return residual_layers(self.backbone)

    def classify(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised crops [B, 3, S, S] -> features [B, W] and logits [B, C], float32 or wider."""
        found = self.backbone(batch)
        heads = torch.stack([head(found).flatten(1) for head in self.heads], 1)
        wide = torch.promote_types(heads.dtype, torch.float32)
        with torch.autocast(batch.device.type, enabled=False):
            shares = heads.to(wide).log_softmax(1)
            joined = self._dropout(shares.sum(1), [1] * len(batch))
            logits = self.class_score(joined[:, :, None, None]).flatten(1)
            features = found.to(wide).mean((2, 3))
        self._variance = shares.var(1).mean() if self.training else None
        return features, logits

    def _losses(
        self, images: Sequence[Tensor] | Tensor, targets: list[Target]
    ) -> dict[str, Tensor]:
        losses = super()._losses(images, targets)
        variance, self._variance = self._variance, None
        assert variance is not None
        partition = torch.log(1 + len(self.heads) / variance)
        return {**losses, "loss_partition": self._partition_weight * partition}

    def _run_normalised(self, pictures: Tensor) -> object:
        batch, _ = self.transform(pictures)
        return self.classify(batch.tensors)


def build(config: Config, classes: Sequence[str], loss: nn.Module | None = None) -> FaceModel:
    """Build the classifier with random weights, in channels_last.

    loss: one of fer_det.losses, softmax by default.
    """
    model = DAN(config, classes, loss if loss is not None else Softmax())
    return model.to(memory_format=torch.channels_last)
