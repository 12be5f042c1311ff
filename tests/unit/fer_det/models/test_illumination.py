from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_data.voc_tree import CLASSES
from torch import Tensor

from fer_det.models import build_model
from fer_det.models.illumination import BINS, normalise_illumination
from fer_det.models.mobilenet_classifier.config import Config

SIZE = 32


@pytest.fixture
def crops() -> Tensor:
    """[4, 3, SIZE, SIZE] of low contrast, gray but for the last."""
    generator = torch.Generator().manual_seed(0)
    gray = 0.35 + 0.2 * torch.rand(4, 1, SIZE, SIZE, generator=generator)
    colour = torch.zeros(4, 3, 1, 1)
    colour[3] = torch.tensor([0.02, -0.03, 0.01])[:, None, None]
    return gray.expand(-1, 3, -1, -1) + colour


def ramp(x: float, y: float) -> Tensor:
    """[SIZE, SIZE], a plane through 0 in its centre."""
    line = torch.linspace(-1, 1, SIZE)
    return x * line + y * line[:, None]


def test_light_from_one_side_is_removed(crops: Tensor) -> None:
    plain = normalise_illumination(crops, "plane")
    lit = normalise_illumination(crops + ramp(0.2, -0.1), "plane")
    torch.testing.assert_close(lit, plain, atol=1e-5, rtol=0)
    torch.testing.assert_close(plain.mean((2, 3)), crops.mean((2, 3)), atol=1e-5, rtol=0)


def test_gray_levels_become_their_rank(crops: Tensor) -> None:
    equal = normalise_illumination(crops[:1], "equalise")[0, 0]
    levels = crops[0, 0].numpy()
    rank = np.array([(levels < level).mean() for level in levels.flat]).reshape(levels.shape)
    # Within a bin the map is linear, so it is off by the share of one bin at most.
    shares = np.histogram(levels, BINS, (0, 1))[0] / levels.size
    assert np.abs(equal.numpy() - rank).max() <= shares.max()
    assert equal.min() < 0.05
    assert equal.max() > 0.95


@pytest.mark.parametrize("kind", ["equalise", "plane+equalise"])
def test_contrast_and_brightness_hardly_matter(crops: Tensor, kind: str) -> None:
    first = normalise_illumination(crops[:3], kind)  # type: ignore[arg-type]
    other = normalise_illumination(crops[:3] * 1.5 - 0.2, kind)  # type: ignore[arg-type]
    assert (first - other).abs().max() < 0.1
    assert (crops[:3] - (crops[:3] * 1.5 - 0.2)).abs().max() > 0.07


def test_order_of_gray_levels_stays(crops: Tensor) -> None:
    order = crops[0, 0].flatten().argsort()
    found = normalise_illumination(crops[:1], "equalise")[0, 0].flatten()[order]
    assert (found.diff() >= -1e-6).all()


def test_colours_are_shifted_alike_and_crops_do_not_mix(crops: Tensor) -> None:
    together = normalise_illumination(crops, "plane+equalise")
    alone = normalise_illumination(crops[3:], "plane+equalise")
    torch.testing.assert_close(together[3:], alone)
    inside = ((together > 0) & (together < 1)).all(1, keepdim=True).expand(-1, 3, -1, -1)
    shift = together - crops
    assert inside[3].any()
    spread = (shift - shift.mean(1, keepdim=True))[inside]
    assert spread.abs().max() < 1e-5


def test_is_part_of_the_network(crops: Tensor) -> None:
    plain = Config(input_size=SIZE)
    models = [
        build_model(config, CLASSES) for config in (plain, replace(plain, illumination="plane"))
    ]
    lit = crops + ramp(0.2, 0.1)
    inputs = [model.transform(x)[0].tensors for model in models for x in (crops, lit)]
    assert (inputs[0] - inputs[1]).abs().max() > 0.5
    torch.testing.assert_close(inputs[2], inputs[3], atol=1e-4, rtol=0)
