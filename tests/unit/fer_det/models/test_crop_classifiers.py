"""The classifiers of whole face crops: their size, their published layout, their folded norms."""

import pytest
import torch
from fake_data.voc_tree import CLASSES
from torch import nn

from fer_det.models import build_model, find_model
from fer_det.models.crop_classifier import CropClassifier

NAMES = ("resnet_classifier", "mobilenet_classifier", "mobilenet_v3_classifier")


def make(name: str, **changes: object) -> CropClassifier:
    torch.manual_seed(0)
    config = find_model(name).config_class()(**changes)  # type: ignore[arg-type]
    model = build_model(config, CLASSES)
    assert isinstance(model, CropClassifier)
    return model


def count_of(model: nn.Module) -> int:
    return sum(values.numel() for values in model.parameters())


def test_size_of_the_small_classifier() -> None:
    model = make("resnet_classifier")
    assert count_of(model) < 3_000_000
    tensors, _ = model.deployable()
    assert sum(2 * tensor.numel() for tensor in tensors.values()) < 6_000_000


def test_mobilenet_has_the_published_layers() -> None:
    """4,231,976 parameters with 1,000 classes, of which 1,025,000 are the last layer's.

    The paper's convolutions have no bias; here each has one beside its norm.
    """
    model = make("mobilenet_classifier", input_size=224)
    convolutions = [m for m in model.backbone.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 27
    biases = sum(conv.out_channels for conv in convolutions)
    assert count_of(model.backbone) - biases == 4_231_976 - 1_025_000
    with torch.inference_mode():
        assert model.eval().backbone(torch.rand(1, 3, 224, 224)).shape == (1, 1024, 7, 7)
        assert make("mobilenet_classifier").backbone(torch.rand(1, 3, 64, 64)).shape[2:] == (4, 4)


@pytest.mark.parametrize("name", NAMES)
def test_boxes_say_how_many_answers_are_wanted(name: str) -> None:
    model = make(name, input_size=32).eval()
    crop = torch.rand(3, 32, 32)
    with torch.inference_mode():
        (answer,) = model([crop], [{"boxes": torch.tensor([[1.0, 2, 30, 31], [0, 0, 32, 32]])}])
        (alone,) = model([crop])
    assert answer["target_probabilities"].shape == (2, len(CLASSES))
    assert torch.equal(answer["target_probabilities"][0], answer["target_probabilities"][1])
    assert torch.equal(answer["boxes"], torch.tensor([[0.0, 0.0, 32.0, 32.0]]))
    assert "target_probabilities" not in alone


@pytest.mark.parametrize("name", NAMES)
def test_deployed_without_batch_norm_it_answers_alike(name: str) -> None:
    model = make(name, input_size=32)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)
            module.running_var.uniform_(0.5, 2)
    tensors, config = model.eval().deployable()
    deployed = build_model(config, CLASSES).eval()
    deployed.load_state_dict(tensors)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in deployed.modules())
    crops = torch.rand(4, 3, 32, 32)
    with torch.inference_mode():
        one, other = (
            torch.cat([answer["probabilities"] for answer in each(crops)])
            for each in (model, deployed)
        )
    assert torch.allclose(one, other, atol=1e-5)
