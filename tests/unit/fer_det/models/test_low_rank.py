import pytest
import torch
from torch import Tensor

from fer_det.config.training import ModelConfig
from fer_det.models import build_model
from fer_det.models.low_rank import linear, truncate
from fer_det.models.sampling import PictureRandom
from fer_det.models.vgg16_frcnn.roi_heads import BoxHead


def state_of_rank(rank: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    sides = torch.randn(24, rank, generator=generator), torch.randn(rank, 90, generator=generator)
    return {
        "head.fc6.weight": sides[0] @ sides[1],
        "head.fc6.bias": torch.randn(24, generator=generator),
        "head.fc60.weight": torch.ones(1),
    }


def answers(state: dict[str, Tensor], rank: int | None, inputs: Tensor) -> Tensor:
    layer = linear(90, 24, rank)
    own = {n.removeprefix("head.fc6."): t for n, t in state.items() if "fc6." in n}
    layer.load_state_dict(own)
    return layer(inputs)


def test_nothing_is_lost_where_the_layer_has_that_rank() -> None:
    state, inputs = state_of_rank(5), torch.randn(7, 90)
    thin = truncate(state, "head.fc6", 5)
    assert torch.allclose(answers(thin, 5, inputs), answers(state, None, inputs), atol=1e-4)
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


@pytest.mark.parametrize("name", ["frcnn_vgg16", "vgg16_classifier"])
def test_models_are_built_thin(name: str) -> None:
    config = ModelConfig(name=name, input_size=32, head_width=16, head_rank=4)
    head = build_model(config, ["a", "b"]).roi_heads.box_head
    assert [tuple(p.shape) for p in head.fc6.parameters()] == [(4, 512 * 49), (16, 4), (16,)]
    assert [tuple(p.shape) for p in head.fc7.parameters()] == [(4, 16), (16, 4), (16,)]


def test_a_thin_head_begins_as_loud_as_a_whole_one() -> None:
    torch.manual_seed(0)
    pooled = torch.randn(32, 8, 7, 7)
    whole, thin = (
        BoxHead(8, 256, 0.0, PictureRandom(), rank)(pooled, [32]).std() for rank in (None, 128)
    )
    assert thin.item() == pytest.approx(whole.item(), rel=0.3)
