from pathlib import Path

import pytest
import torch
from fake_data.two_processes import make_norm, normalise, normalise_together
from torch import Tensor, nn
from torchvision.ops import roi_align
from torchvision.ops.misc import Conv2dNormActivation

from fer_det.models.layers import (
    MOST_CELLS,
    GlobalBatchNorm2d,
    NormalisedConv2d,
    align_rois,
    fold_batch_norm,
    insert_batch_norm,
    merge_norms,
)


@pytest.fixture(scope="module")
def whole_batch() -> tuple[Tensor, Tensor]:
    """Pictures whose halves have different statistics."""
    torch.manual_seed(3)
    pictures = torch.randn(4, 5, 3, 2) * torch.arange(1.0, 5)[:, None, None, None] + 7
    return pictures, torch.randn(4, 5, 3, 2)


class TestGlobalBatchNorm:
    @pytest.mark.parametrize("training", [True, False])
    def test_in_one_process_it_is_torch_s(
        self, training: bool, whole_batch: tuple[Tensor, Tensor]
    ) -> None:
        pictures, _ = whole_batch
        ours, theirs = make_norm().train(training), nn.BatchNorm2d(5).train(training)
        theirs.load_state_dict(ours.state_dict())
        assert torch.equal(ours(pictures), theirs(pictures))
        for name, values in theirs.state_dict().items():
            assert torch.equal(ours.state_dict()[name], values)

    def test_two_processes_on_halves_are_one_on_the_whole(
        self, tmp_path: Path, whole_batch: tuple[Tensor, Tensor]
    ) -> None:
        whole = normalise(make_norm(), *whole_batch)
        halves = normalise_together(tmp_path, *whole_batch)
        for name, wanted in whole.items():
            parts = [half[name] for half in halves]
            if name in ("output", "input gradient"):
                found = torch.cat(parts)
            elif name.endswith("gradient"):
                # Each process has its own pictures' gradient; DistributedDataParallel adds them.
                found = parts[0] + parts[1]
            else:
                assert torch.equal(parts[0], parts[1]), name
                found = parts[0]
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5, msg=name)

    def test_half_precision_stays_half_precision(self) -> None:
        norm = GlobalBatchNorm2d(5).train()
        assert norm(torch.rand(2, 5, 4, 4, dtype=torch.bfloat16)).dtype == torch.bfloat16


def network(batch_norm: bool) -> nn.Sequential:
    """Two convolutions, the second one depthwise and strided."""
    blocks = nn.Sequential(
        Conv2dNormActivation(3, 8, kernel_size=3),
        Conv2dNormActivation(8, 8, kernel_size=3, stride=2, groups=8, activation_layer=None),
    )
    merge_norms(blocks, batch_norm)
    return blocks


@pytest.fixture
def normalised() -> nn.Sequential:
    """With normalisation, and no two channels alike."""
    torch.manual_seed(0)
    blocks = network(batch_norm=True)
    for name, values in blocks.state_dict().items():
        if name.endswith(("norm.running_mean", "norm.bias", ".0.bias")):
            values.normal_(std=0.3)
        if name.endswith("norm.weight"):
            values.uniform_(0.5, 2.0)
        if name.endswith("norm.running_var"):
            # Down to where the epsilon beside it counts.
            values.uniform_(0.001, 2.0)
    return blocks.eval()


class TestMerging:
    def test_conv_and_norm_become_one_layer(self) -> None:
        blocks = network(batch_norm=True)
        first, second = (block[0] for block in blocks)
        assert isinstance(first, NormalisedConv2d)
        assert isinstance(second, NormalisedConv2d)
        assert (second.stride, second.groups, second.padding) == ((2, 2), 8, (1, 1))
        assert not any(name.startswith("0.1.") for name in blocks.state_dict())

    def test_without_norm_it_has_the_same_names(self) -> None:
        plain = set(network(batch_norm=False).state_dict())
        assert plain == {n for n in network(batch_norm=True).state_dict() if ".norm." not in n}
        assert "1.0.bias" in plain


class TestFolding:
    def test_is_the_same_function(self, normalised: nn.Sequential) -> None:
        plain = network(batch_norm=False)
        plain.load_state_dict(fold_batch_norm(normalised.state_dict()))
        pictures = torch.rand(2, 3, 12, 12)
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
        assert "backbone.1.0.weight" in folded

    def test_does_not_change_its_argument(self, normalised: nn.Sequential) -> None:
        before = {name: values.clone() for name, values in normalised.state_dict().items()}
        fold_batch_norm(normalised.state_dict())
        for name, values in normalised.state_dict().items():
            assert torch.equal(values, before[name])

    def test_of_a_plain_network_is_the_same(self) -> None:
        state = network(batch_norm=False).state_dict()
        assert fold_batch_norm(state) == dict(state)


class TestInsertion:
    @pytest.fixture
    def plain(self) -> nn.Sequential:
        torch.manual_seed(1)
        blocks = network(batch_norm=False)
        for name, values in blocks.state_dict().items():
            if name.endswith("bias"):
                values.normal_(std=0.3)
        return blocks.eval()

    @pytest.fixture
    def batches(self) -> list[Tensor]:
        torch.manual_seed(2)
        return [torch.randn(size, 3, 12, 12) for size in (3, 5)]

    @pytest.fixture
    def inserted(self, plain: nn.Sequential, batches: list[Tensor]) -> nn.Sequential:
        return self.insert(plain, batches)

    def insert(self, plain: nn.Sequential, batches: list[Tensor]) -> nn.Sequential:
        blocks = network(batch_norm=True)
        blocks.load_state_dict(plain.state_dict(), strict=False)
        layers = [block[0] for block in blocks]
        insert_batch_norm(layers, blocks.eval(), batches)
        assert all(layer.normalises and not layer._forward_hooks for layer in layers)
        return blocks

    def test_evaluation_is_the_plain_function(
        self, plain: nn.Sequential, inserted: nn.Sequential
    ) -> None:
        pictures = torch.randn(2, 3, 16, 12)
        with torch.inference_mode():
            wanted, found = plain(pictures), inserted.eval()(pictures)
        assert wanted.std() > 0.01
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4 * float(wanted.max()))

    def test_training_is_the_plain_function_on_these_pictures(
        self, plain: nn.Sequential, inserted: nn.Sequential, batches: list[Tensor]
    ) -> None:
        pictures = torch.cat(batches)
        with torch.inference_mode():
            wanted, found = plain(pictures), inserted.train()(pictures)
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3 * float(wanted.max()))

    def test_folded_again_it_is_the_plain_network(
        self, plain: nn.Sequential, inserted: nn.Sequential
    ) -> None:
        folded = fold_batch_norm(inserted.state_dict())
        for name, wanted in plain.state_dict().items():
            torch.testing.assert_close(folded[name], wanted, rtol=1e-4, atol=1e-5)

    def test_channel_that_is_constant(self, plain: nn.Sequential) -> None:
        plain.state_dict()["0.0.weight"][5] = 0
        blocks = self.insert(plain, [torch.randn(2, 3, 8, 8)])
        assert all(bool(values.isfinite().all()) for values in blocks.state_dict().values())
        torch.testing.assert_close(
            fold_batch_norm(blocks.state_dict())["0.0.weight"], plain.state_dict()["0.0.weight"]
        )

    def test_no_pictures(self, plain: nn.Sequential) -> None:
        with pytest.raises(ValueError, match="needs pictures"):
            self.insert(plain, [])


HEIGHT, WIDTH, STRIDE = 6, 9, 16
BOXES = [
    [0.0, 0.0, 144.0, 96.0],  # the whole input
    [20.3, 17.9, 77.1, 80.4],
    [40.0, 40.0, 41.5, 42.0],  # smaller than a cell
    [-30.0, -20.0, 50.0, 60.0],  # partly outside
    [100.0, 70.0, 190.0, 140.0],
    [-90.0, -90.0, -40.0, -40.0],  # wholly outside
    [400.0, 10.0, 500.0, 60.0],
    [30.0, 30.0, 30.0, 50.0],  # no area
]


def features(pictures: int, height: int = HEIGHT, width: int = WIDTH) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(pictures, 4, height, width)


def random_boxes(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    corners = torch.rand(count, 2, 2, generator=generator) * 260 - 60
    return torch.cat([corners.amin(1), corners.amax(1)], 1)


class TestRoIAlign:
    @pytest.mark.parametrize("samples", [1, 2, 3])
    def test_forward_and_gradient_are_torchvision_s(self, samples: int) -> None:
        boxes = [torch.tensor(BOXES), torch.empty(0, 4), random_boxes(40)]
        ours, theirs = (features(3).requires_grad_() for _ in range(2))
        found = align_rois(ours, boxes, 7, STRIDE, samples)
        wanted = roi_align(theirs, boxes, 7, 1 / STRIDE, samples, aligned=True)
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
        weights = torch.randn_like(wanted)
        (found * weights).sum().backward()
        (wanted * weights).sum().backward()
        assert ours.grad is not None
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-4)

    def test_large_map_goes_to_torchvision(self) -> None:
        side = int(MOST_CELLS**0.5) + 1
        given, boxes = features(1, side, side), [random_boxes(5)]
        wanted = roi_align(given, boxes, 7, 1 / STRIDE, 2, aligned=True)
        assert torch.equal(align_rois(given, boxes, 7, STRIDE, 2), wanted)
        rounded = align_rois(given.bfloat16(), boxes, 7, STRIDE, 2)
        torch.testing.assert_close(rounded.float(), wanted, rtol=0.02, atol=0.02)

    def test_bfloat16_features(self) -> None:
        boxes = [torch.tensor(BOXES)]
        found = align_rois(features(1).bfloat16(), boxes, 7, STRIDE, 2)
        assert found.dtype == torch.bfloat16
        wanted = align_rois(features(1), boxes, 7, STRIDE, 2)
        torch.testing.assert_close(found.float(), wanted, rtol=0.02, atol=0.02)

    def test_no_boxes_at_all(self) -> None:
        given = features(2).requires_grad_()
        found = align_rois(given, [torch.empty(0, 4)] * 2, 7, STRIDE, 2)
        assert found.shape == (0, 4, 7, 7)
        found.sum().backward()
        assert given.grad is not None
        assert not given.grad.any()


def test_depthwise_convolutions_of_bfloat16_are_computed_in_float32_in_training() -> None:
    torch.manual_seed(0)
    layer = NormalisedConv2d(8, 8, 3, padding=1, groups=8)
    layer.normalises = False
    pictures = torch.randn(2, 8, 9, 9).bfloat16()
    exact = layer(pictures.float())
    with torch.autocast("cpu", torch.bfloat16):
        found = layer.train()(pictures)
    assert torch.equal(found, exact.bfloat16())
    found.float().sum().backward()
    assert layer.weight.grad is not None
