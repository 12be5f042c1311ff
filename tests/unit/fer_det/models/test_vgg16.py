import pytest
import torch
from torch import nn
from torchvision.models import vgg

from fer_det.models.vgg16 import STRIDE, fold_batch_norm, vgg16_trunk

PLAIN_PARAMETERS = 14_714_688
"""Of VGG16's thirteen convolutions: sum of 9 * in * out + out over 3, 64, 64, 128, ... 512."""


@pytest.fixture(scope="module")
def normalised() -> nn.Sequential:
    """A trunk with normalisation that has seen pictures, so to speak: no two channels alike."""
    torch.manual_seed(0)
    trunk = vgg16_trunk(batch_norm=True)
    for name, values in trunk.state_dict().items():
        if name.endswith(("norm.running_mean", "norm.bias", ".0.bias")):
            values.normal_(std=0.3)
        if name.endswith("norm.weight"):
            values.uniform_(0.5, 2.0)
        if name.endswith("norm.running_var"):
            # Down to where the epsilon beside it counts.
            values.uniform_(0.001, 2.0)
    return trunk.eval()


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_map_is_a_sixteenth(batch_norm: bool) -> None:
    trunk = vgg16_trunk(batch_norm)
    with torch.inference_mode():
        assert trunk(torch.rand(2, 3, 48, 32)).shape == (2, 512, 48 // STRIDE, 32 // STRIDE)


def test_plain_layers_are_torchvision_s() -> None:
    state = vgg16_trunk(batch_norm=False).state_dict()
    theirs = vgg.make_layers(vgg.cfgs["D"]).state_dict()
    assert {n: t.shape for n, t in state.items()} == {n: t.shape for n, t in theirs.items()}
    assert sum(values.numel() for values in state.values()) == PLAIN_PARAMETERS


def test_normalised_convolutions_keep_their_numbers(normalised: nn.Sequential) -> None:
    convolutions = {name for name in normalised.state_dict() if ".norm." not in name}
    assert convolutions == set(vgg16_trunk(batch_norm=False).state_dict())
    assert "28.norm.running_var" in normalised.state_dict()


class TestFolding:
    def test_is_the_same_function(self, normalised: nn.Sequential) -> None:
        plain = vgg16_trunk(batch_norm=False)
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

    def test_of_a_plain_trunk_is_nothing(self) -> None:
        state = vgg16_trunk(batch_norm=False).state_dict()
        assert fold_batch_norm(state) == dict(state)
