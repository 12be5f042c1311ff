"""DAN from its paper's figures and equations, in plain torch, with the names of published files.

Wen et al., "Distract your attention", 2023: figure 2, equations 3 to 8. The names are those of the
state dicts that its authors publish (features, cat_head0.sa.conv1x1, ...).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torchvision.models import resnet18


def _normalised(inputs: int, outputs: int, kernel: tuple[int, int]) -> nn.Sequential:
    padding = (kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=padding), nn.BatchNorm2d(outputs)
    )


class PlainHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        kernels = OrderedDict(
            conv1x1=(512, 256, (1, 1)),
            conv_3x3=(256, 512, (3, 3)),
            conv_1x3=(256, 512, (1, 3)),
            conv_3x1=(256, 512, (3, 1)),
        )
        self.sa = nn.Module()
        for name, (inputs, outputs, kernel) in kernels.items():
            self.sa.add_module(name, _normalised(inputs, outputs, kernel))
        self.ca = nn.Module()
        layers = (nn.Linear(512, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 512))
        self.ca.attention = nn.Sequential(*layers, nn.Sigmoid())

    def forward(self, features: Tensor) -> Tensor:
        first, *branches = self.sa.children()
        summed = torch.stack([branch(first(features)) for branch in branches]).sum(0)
        mask = torch.relu(summed).sum(dim=1, keepdim=True)
        pooled = (features * mask).flatten(2).mean(2)
        weights: Tensor = self.ca.attention(pooled)  # type: ignore[operator]
        return pooled * weights


class PlainDAN(nn.Module):
    def __init__(self, classes: int, heads: int = 4) -> None:
        super().__init__()
        self.features = nn.Sequential(*list(resnet18(weights=None).children())[:-2])
        for number in range(heads):
            self.add_module(f"cat_head{number}", PlainHead())
        self.fc = nn.Linear(512, classes)
        self.bn = nn.BatchNorm1d(classes)

    def heads(self) -> Iterator[PlainHead]:
        for name, module in self.named_children():
            if name.startswith("cat_head"):
                assert isinstance(module, PlainHead)
                yield module

    def forward(self, pictures: Tensor) -> Tensor:
        features = self.features(pictures)
        answers = torch.stack([head(features) for head in self.heads()], dim=1)
        logits: Tensor = self.bn(self.fc(torch.log_softmax(answers, dim=1).sum(dim=1)))
        return logits
