"""The networks of torchvision and DAN: published sizes, the same answers as an independent
construction, and that each of them learns."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from fake_data.dan_by_hand import PlainDAN
from fake_data.voc_tree import CLASSES
from torch import nn
from torchvision import models as torchvision_models

from fer_det.config.model import ModelConfig
from fer_det.models import build_model, find_model
from fer_det.models.contract import FaceModel
from fer_det.models.crop_classifier import CropClassifier
from fer_det.models.layers import NormalisedConv2d, norm_pairs

NAMES = ("resnet18", "efficientnet_b0", "efficientnet_b2", "vgg13", "vgg19", "dan")


def config_of(name: str, **settings: object) -> ModelConfig:
    return find_model(name).config_class()(**settings)


def built(name: str, **settings: object) -> CropClassifier:
    torch.manual_seed(0)
    model = build_model(config_of(name, **settings), CLASSES)
    assert isinstance(model, CropClassifier)
    return model


def parameters(model: FaceModel, without_bias: bool = True) -> int:
    """The number of weights; without the biases that normalised convolutions have besides."""
    names = {n for n, m in model.named_modules() if isinstance(m, NormalisedConv2d)}
    skipped = {f"{name}.bias" for name in names} if without_bias else set()
    return sum(each.numel() for name, each in model.named_parameters() if name not in skipped)


# Published sizes are with 1,000 classes: torchvision's documentation, table of classification
# weights, "Params"; VGG19 there with batch normalisation, without its three last layers here.
@pytest.mark.parametrize(
    ("name", "published", "of_head"),
    [
        ("resnet18", 11_689_512, 512 * 1000 + 1000),
        ("efficientnet_b0", 5_288_548, 1280 * 1000 + 1000),
        ("efficientnet_b2", 9_109_994, 1408 * 1000 + 1000),
    ],
)
def test_published_size(name: str, published: int, of_head: int) -> None:
    model = built(name)
    assert parameters(model) == published - of_head + 7 * (of_head // 1000)


def test_size_of_emotiefflib_s_files() -> None:
    """16 and 30 MB by its README's table, for eight classes, statistics of the norms included."""
    for name, published in (("efficientnet_b0", 16), ("efficientnet_b2", 30)):
        model = built(name)
        numbers = parameters(model) + sum(each.numel() for each in model.buffers())
        assert 0.95 < 4 * numbers / 2**20 / published < 1.05


def test_published_size_of_vgg19() -> None:
    of_head = 25088 * 4096 + 4096 + 4096 * 4096 + 4096 + 4096 * 1000 + 1000
    assert parameters(built("vgg19"), without_bias=False) == 143_678_248 - of_head + 513 * 7


def test_published_size_of_dan() -> None:
    """19.72 million by its paper's table of complexities."""
    model = built("dan")
    of_linear = 32 * 4 + 7  # Biases before a norm, which torch's Linear has in the original.
    of_heads = 4 * (256 + 3 * 512)
    found = parameters(model) + of_linear + of_heads
    assert found == sum(each.numel() for each in PlainDAN(7).parameters())
    assert round(found / 1e6, 2) == 19.72


def test_published_size_of_vgg13() -> None:
    """The file of the ONNX model zoo has 34 MB: 8.75 million float32, with gray input."""
    model = built("vgg13")
    gray = parameters(model) - 2 * 64 * 9 + 1025  # One channel less twice, one class more.
    assert gray == 8_757_704
    assert 34e6 < 4 * gray < 36e6


class TestForward:
    """Against torchvision's own network, or one written by hand, of the same random weights."""

    def compare(self, model: CropClassifier, other: nn.Module, size: int) -> None:
        pictures = torch.rand(2, 3, size, size)
        with torch.no_grad():
            _, logits = model.eval().classify(pictures)
            torch.testing.assert_close(logits, other.eval()(pictures), rtol=1e-3, atol=1e-4)
            assert not torch.allclose(logits[0], logits[1], atol=1e-2)

    def copy_norms(self, ours: nn.Module, other: nn.Module) -> None:
        """Give `other` random norms and weights, and `ours` the same."""
        torch.manual_seed(1)
        for module in other.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.1)
                module.momentum = 1.0
        with torch.no_grad():
            other.train()(torch.rand(8, 3, 64, 64))
        wanted = [m for m in other.modules() if isinstance(m, nn.Conv2d)]
        found = [m for m in ours.modules() if isinstance(m, nn.Conv2d)]
        norms = [getattr(parent, norm) for parent, _, norm in norm_pairs(other)]
        for one, conv in zip(found, wanted, strict=True):
            one.weight.data = conv.weight.data
            if conv.bias is not None:
                assert one.bias is not None
                one.bias.data = conv.bias.data
        own = [m.norm for m in ours.modules() if isinstance(m, NormalisedConv2d)]
        for ours_norm, norm in zip(own, norms, strict=True):
            ours_norm.load_state_dict(norm.state_dict())

    @pytest.mark.parametrize(
        ("name", "network", "size"),
        [
            ("resnet18", torchvision_models.resnet18, 64),
            ("efficientnet_b0", torchvision_models.efficientnet_b0, 64),
            ("efficientnet_b2", torchvision_models.efficientnet_b2, 64),
        ],
    )
    def test_torchvision(self, name: str, network: Callable[..., nn.Module], size: int) -> None:
        other = network(weights=None, num_classes=7)
        model = built(name, input_size=size)
        self.copy_norms(model.backbone, other)
        last = other.fc if name == "resnet18" else other.classifier[1]  # type: ignore[index]
        model.class_score.load_state_dict(last.state_dict())  # type: ignore[union-attr]
        self.compare(model, other, size)

    def test_tensorflow_s_padding(self) -> None:
        """A stride of 2 on 8 pixels reads 0, 2, 4, 6 and the pixel after, none before 0."""
        model = built("efficientnet_b0", input_size=32, same_padding=True)
        first = model.backbone[0][0]  # type: ignore[index]
        assert isinstance(first, nn.Conv2d)
        pixels = torch.rand(1, 3, 8, 8)
        wanted = nn.functional.conv2d(
            nn.functional.pad(pixels, (0, 1, 0, 1)), first.weight, first.bias, 2
        )
        model.eval()
        first.normalises = False  # type: ignore[assignment]
        torch.testing.assert_close(first(pixels), wanted)
        plain = built("efficientnet_b0", input_size=32)
        assert model.backbone(torch.rand(1, 3, 33, 33)).shape == (1, 1280, 2, 2)
        assert plain.backbone(torch.rand(1, 3, 33, 33)).shape == (1, 1280, 2, 2)


def test_small_faces_keep_their_size() -> None:
    pictures = torch.rand(1, 3, 48, 48)
    assert built("resnet18", input_size=48).backbone(pictures).shape == (1, 512, 2, 2)
    small = built("resnet18", input_size=48, small_faces=True)
    assert small.backbone(pictures).shape == (1, 512, 6, 6)


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_a_tiny_set(name: str) -> None:
    """Two classes of colour: the loss falls to half within a few steps."""
    model = built(name, input_size=32, dropout=0.0).train()
    torch.manual_seed(1)
    pictures = torch.rand(8, 3, 32, 32) * 0.2
    targets = []
    for row in range(8):
        pictures[row, row % 2] += 0.6
        boxes, labels = torch.tensor([[0.0, 0, 32, 32]]), torch.tensor([row % 2 + 1])
        targets.append({"boxes": boxes, "labels": labels, "seed": torch.tensor(row)})
    # Without normalisation VGG13 needs smaller steps.
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4 if name == "vgg13" else 1e-3)
    losses = []
    for _ in range(10):
        found = model(pictures, targets)
        assert isinstance(found, dict)
        losses.append(float(found["loss_softmax"].detach()))
        optimizer.zero_grad()
        torch.stack(list(found.values())).sum().backward()
        optimizer.step()
    assert losses[-1] < losses[0] / 2, losses
