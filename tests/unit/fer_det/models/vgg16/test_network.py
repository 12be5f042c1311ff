import pytest
import torch
from torch import Tensor
from torchvision.models import vgg

from fer_det.errors import ConfigError, WeightsError
from fer_det.models import MODELS, build_model
from fer_det.models.sampling import PictureRandom
from fer_det.models.vgg16 import VGG16Config
from fer_det.models.vgg16.network import STRIDE, BoxHead, linear, truncate, vgg16_features
from fer_det.models.vgg16_frcnn.config import Config

PLAIN_PARAMETERS = 14_714_688
"""Of VGG16's thirteen convolutions: sum of 9 * in * out + out over 3, 64, 64, 128, ... 512."""


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_map_has_a_stride_of_16(batch_norm: bool) -> None:
    backbone = vgg16_features(batch_norm)
    with torch.inference_mode():
        assert backbone(torch.rand(2, 3, 48, 32)).shape == (2, 512, 48 // STRIDE, 32 // STRIDE)


def test_plain_layers_are_torchvision_s() -> None:
    state = vgg16_features(batch_norm=False).state_dict()
    theirs = vgg.make_layers(vgg.cfgs["D"]).state_dict()
    assert {n: t.shape for n, t in state.items()} == {n: t.shape for n, t in theirs.items()}
    assert sum(values.numel() for values in state.values()) == PLAIN_PARAMETERS


def test_normalised_convolutions_keep_their_numbers() -> None:
    names = set(vgg16_features(batch_norm=True).state_dict())
    assert {n for n in names if ".norm." not in n} == set(vgg16_features(False).state_dict())
    assert "28.norm.running_var" in names


def state_of_rank(rank: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    sides = torch.randn(24, rank, generator=generator), torch.randn(rank, 90, generator=generator)
    return {
        "head.fc6.weight": sides[0] @ sides[1],
        "head.fc6.bias": torch.randn(24, generator=generator),
        "head.fc60.weight": torch.ones(1),
    }


def outputs(state: dict[str, Tensor], rank: int | None, inputs: Tensor) -> Tensor:
    layer = linear(90, 24, rank)
    own = {n.removeprefix("head.fc6."): t for n, t in state.items() if "fc6." in n}
    layer.load_state_dict(own)
    return layer(inputs)


def test_nothing_is_lost_where_the_layer_has_that_rank() -> None:
    state, inputs = state_of_rank(5), torch.randn(7, 90)
    thin = truncate(state, "head.fc6", 5)
    assert torch.allclose(outputs(thin, 5, inputs), outputs(state, None, inputs), atol=1e-4)
    assert {name: tuple(tensor.shape) for name, tensor in thin.items()} == {
        "head.fc6.0.weight": (5, 90),
        "head.fc6.1.weight": (24, 5),
        "head.fc6.1.bias": (24,),
        "head.fc60.weight": (1,),
    }


def test_the_largest_singular_values_stay() -> None:
    """Eckart and Young: what is lost is the root of the squares of the values that go."""
    state = state_of_rank(20)
    thin = truncate(state, "head.fc6", 4)
    lost = state["head.fc6.weight"] - thin["head.fc6.1.weight"] @ thin["head.fc6.0.weight"]
    values = torch.linalg.svdvals(state["head.fc6.weight"])
    assert lost.norm().item() == pytest.approx(values[4:].norm().item(), rel=1e-3)


def test_same_bytes_and_the_callers_random_numbers_untouched() -> None:
    torch.manual_seed(3)
    wanted = torch.rand(1)
    torch.manual_seed(3)
    first = truncate(state_of_rank(9), "head.fc6", 4)
    assert torch.equal(torch.rand(1), wanted)
    again = truncate(state_of_rank(9), "head.fc6", 4)
    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize("name", ["vgg16_frcnn", "vgg16_classifier"])
def test_models_are_built_with_thin_layers(name: str) -> None:
    config = MODELS[name].config_class()(input_size=32, head_width=16, head_rank=4)  # type: ignore[call-arg]
    head = build_model(config, ["a", "b"]).roi_heads.box_head
    assert [tuple(p.shape) for p in head.fc6.parameters()] == [(4, 512 * 49), (16, 4), (16,)]
    assert [tuple(p.shape) for p in head.fc7.parameters()] == [(4, 16), (16, 4), (16,)]


def test_a_thin_head_has_outputs_as_large_as_a_whole_one() -> None:
    torch.manual_seed(0)
    pooled = torch.randn(32, 8, 7, 7)
    whole, thin = (
        BoxHead(8, VGG16Config(head_width=256, head_rank=rank, dropout=0.0), PictureRandom())(
            pooled, [32]
        ).std()
        for rank in (None, 128)
    )
    assert thin.item() == pytest.approx(whole.item(), rel=0.3)


class TestTruncated:
    def test_state_and_settings_fit_together(self) -> None:
        model = build_model(Config(input_size=32, head_width=16, batch_norm=False), ["a", "b"])
        state, config = model.truncated(15)
        thin = build_model(config, ["a", "b"])
        thin.load_state_dict(state)
        picture = [torch.rand(3, 32, 32)]
        with torch.inference_mode():
            ((wanted,), (found,)) = model.eval()(picture), thin.eval()(picture)
        # One singular value of sixteen is gone: nearly the same, and not the same.
        assert torch.allclose(found["probabilities"][0], wanted["probabilities"][0], atol=0.05)
        assert not torch.equal(found["probabilities"][0], wanted["probabilities"][0])

    def test_refused(self) -> None:
        whole = build_model(Config(input_size=32, head_width=16), ["a"])
        with pytest.raises(ConfigError, match="less than the head's width, 16"):
            whole.truncated(16)
        thin = build_model(Config(input_size=32, head_width=16, head_rank=4), ["a"])
        with pytest.raises(WeightsError, match="with a head of rank 4"):
            thin.truncated(2)
        ssdlite = build_model(MODELS["ssdlite"].config_class()(), ["a"])
        with pytest.raises(ConfigError, match="the model ssdlite"):
            ssdlite.truncated(2)
