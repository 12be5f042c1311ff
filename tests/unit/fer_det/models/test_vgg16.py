import pytest
import torch
from torch import nn
from torchvision.models import vgg

from fer_det.models.vgg16 import STRIDE, fold_batch_norm, insert_batch_norm, vgg16_features

PLAIN_PARAMETERS = 14_714_688
"""Of VGG16's thirteen convolutions: sum of 9 * in * out + out over 3, 64, 64, 128, ... 512."""


@pytest.fixture(scope="module")
def normalised() -> nn.Sequential:
    """A backbone with normalisation that has seen pictures, so to speak: no two channels alike."""
    torch.manual_seed(0)
    backbone = vgg16_features(batch_norm=True)
    for name, values in backbone.state_dict().items():
        if name.endswith(("norm.running_mean", "norm.bias", ".0.bias")):
            values.normal_(std=0.3)
        if name.endswith("norm.weight"):
            values.uniform_(0.5, 2.0)
        if name.endswith("norm.running_var"):
            # Down to where the epsilon beside it counts.
            values.uniform_(0.001, 2.0)
    return backbone.eval()


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_map_is_a_sixteenth(batch_norm: bool) -> None:
    backbone = vgg16_features(batch_norm)
    with torch.inference_mode():
        assert backbone(torch.rand(2, 3, 48, 32)).shape == (2, 512, 48 // STRIDE, 32 // STRIDE)


def test_plain_layers_are_torchvision_s() -> None:
    state = vgg16_features(batch_norm=False).state_dict()
    theirs = vgg.make_layers(vgg.cfgs["D"]).state_dict()
    assert {n: t.shape for n, t in state.items()} == {n: t.shape for n, t in theirs.items()}
    assert sum(values.numel() for values in state.values()) == PLAIN_PARAMETERS


def test_normalised_convolutions_keep_their_numbers(normalised: nn.Sequential) -> None:
    convolutions = {name for name in normalised.state_dict() if ".norm." not in name}
    assert convolutions == set(vgg16_features(batch_norm=False).state_dict())
    assert "28.norm.running_var" in normalised.state_dict()


class TestFolding:
    def test_is_the_same_function(self, normalised: nn.Sequential) -> None:
        plain = vgg16_features(batch_norm=False)
        plain.load_state_dict(fold_batch_norm(normalised.state_dict()))
        pictures = torch.rand(2, 3, 32, 32)
        with torch.inference_mode():
            wanted, found = normalised(pictures), plain(pictures)
        assert wanted.std() > 0.01
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4 * float(wanted.max()))

    def test_works_below_a_prefix_and_leaves_the_rest(self, normalised: nn.Sequential) -> None:
        state = {f"backbone.{name}": values for name, values in normalised.state_dict().items()}
        rest = torch.rand(3)
        folded = fold_batch_norm({**state, "head.weight": rest})
        assert folded["head.weight"] is rest
        assert not any("norm" in name for name in folded)
        assert "backbone.28.weight" in folded

    def test_leaves_what_it_was_given_alone(self, normalised: nn.Sequential) -> None:
        before = {name: values.clone() for name, values in normalised.state_dict().items()}
        fold_batch_norm(normalised.state_dict())
        for name, values in normalised.state_dict().items():
            assert torch.equal(values, before[name])

    def test_of_a_plain_backbone_is_nothing(self) -> None:
        state = vgg16_features(batch_norm=False).state_dict()
        assert fold_batch_norm(state) == dict(state)


@pytest.fixture(scope="module")
def plain() -> nn.Sequential:
    torch.manual_seed(1)
    backbone = vgg16_features(batch_norm=False)
    for name, values in backbone.state_dict().items():
        if name.endswith("bias"):
            values.normal_(std=0.3)
    return backbone.eval()


@pytest.fixture(scope="module")
def batches() -> list[torch.Tensor]:
    torch.manual_seed(2)
    return [torch.randn(size, 3, 32, 32) for size in (3, 5)]


@pytest.fixture(scope="module")
def adopted(plain: nn.Sequential, batches: list[torch.Tensor]) -> nn.Sequential:
    backbone = vgg16_features(batch_norm=True)
    insert_batch_norm(backbone, plain.state_dict(), batches)
    return backbone


class TestAdoption:
    def test_evaluation_is_the_plain_function(
        self, plain: nn.Sequential, adopted: nn.Sequential
    ) -> None:
        pictures = torch.randn(2, 3, 48, 32)
        with torch.inference_mode():
            wanted, found = plain(pictures), adopted.eval()(pictures)
        assert wanted.std() > 0.01
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4 * float(wanted.max()))

    def test_training_is_the_plain_function_on_these_pictures(
        self, plain: nn.Sequential, adopted: nn.Sequential, batches: list[torch.Tensor]
    ) -> None:
        before = {name: values.clone() for name, values in adopted.state_dict().items()}
        pictures = torch.cat(batches)
        with torch.inference_mode():
            wanted, found = plain(pictures), adopted.train()(pictures)
        adopted.load_state_dict(before)
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3 * float(wanted.max()))

    def test_folded_again_it_is_the_plain_backbone(
        self, plain: nn.Sequential, adopted: nn.Sequential
    ) -> None:
        folded = fold_batch_norm(adopted.state_dict())
        for name, wanted in plain.state_dict().items():
            torch.testing.assert_close(folded[name], wanted, rtol=1e-4, atol=1e-5)

    def test_channel_that_is_always_the_same(self, plain: nn.Sequential) -> None:
        state = {name: values.clone() for name, values in plain.state_dict().items()}
        state["0.weight"][5] = 0
        backbone = vgg16_features(batch_norm=True)
        insert_batch_norm(backbone, state, [torch.randn(2, 3, 16, 16)])
        assert all(bool(values.isfinite().all()) for values in backbone.state_dict().values())
        torch.testing.assert_close(
            fold_batch_norm(backbone.state_dict())["0.weight"], state["0.weight"]
        )
