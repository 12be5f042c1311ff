import pytest
import torch
from torch import Tensor
from torchvision.ops import roi_align

from fer_det.models.roi_align import MOST_CELLS, align_rois

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


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_forward_and_gradient_are_torchvision_s(samples: int) -> None:
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


def test_large_map_goes_to_torchvision() -> None:
    side = int(MOST_CELLS**0.5) + 1
    given, boxes = features(1, side, side), [random_boxes(5)]
    wanted = roi_align(given, boxes, 7, 1 / STRIDE, 2, aligned=True)
    assert torch.equal(align_rois(given, boxes, 7, STRIDE, 2), wanted)
    rounded = align_rois(given.bfloat16(), boxes, 7, STRIDE, 2)
    torch.testing.assert_close(rounded.float(), wanted, rtol=0.02, atol=0.02)


def test_bfloat16_features() -> None:
    boxes = [torch.tensor(BOXES)]
    found = align_rois(features(1).bfloat16(), boxes, 7, STRIDE, 2)
    assert found.dtype == torch.bfloat16
    wanted = align_rois(features(1), boxes, 7, STRIDE, 2)
    torch.testing.assert_close(found.float(), wanted, rtol=0.02, atol=0.02)


def test_no_boxes_at_all() -> None:
    given = features(2).requires_grad_()
    found = align_rois(given, [torch.empty(0, 4)] * 2, 7, STRIDE, 2)
    assert found.shape == (0, 4, 7, 7)
    found.sum().backward()
    assert given.grad is not None
    assert not given.grad.any()
