"""The locality-preserving loss against the paper's formula, written out face by face."""

from pathlib import Path

import numpy as np
import pytest
import torch
from fake_data.two_processes import lose_together
from numpy.typing import NDArray
from torch import Tensor

from fer_det.losses.locality import LocalityLoss

LABELS = torch.tensor([0, 2, 2, 0, 2, 3, 2, 2])
"""Class 1 has no face, class 3 has one, class 0 has two, class 2 has five."""


def features(seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(len(LABELS), 4, generator=generator, dtype=torch.float64)


def neighbours(x: NDArray[np.float64], y: list[int], i: int, k: int) -> list[int]:
    """The k nearest faces of the same class, or all where there are fewer."""
    others = [j for j in range(len(y)) if y[j] == y[i] and j != i]
    return sorted(others, key=lambda j: float(((x[i] - x[j]) ** 2).sum()))[:k]


def formula(x: NDArray[np.float64], y: list[int], k: int) -> float:
    total = 0.0
    for i in range(len(y)):
        if near := neighbours(x, y, i, k):
            total += 0.5 * float(((x[i] - x[near].mean(0)) ** 2).sum())
    return total / len(y)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 50])
def test_value_and_gradient(k: int) -> None:
    x = features().requires_grad_()
    value = LocalityLoss(k)(x, LABELS)
    value.backward()
    plain, labels = x.detach().numpy(), LABELS.tolist()
    np.testing.assert_allclose(float(value.detach()), formula(plain, labels, k))
    # Of the formula itself: (x_i - mean_i) / N for the face, and -1/k of it for each neighbour.
    wanted = np.zeros_like(plain)
    for i in range(len(labels)):
        if near := neighbours(plain, labels, i, k):
            offset = (plain[i] - plain[near].mean(0)) / len(labels)
            wanted[i] += offset
            for j in near:
                wanted[j] -= offset / len(near)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), wanted, atol=1e-14)


@pytest.mark.parametrize("k", [1, 2, 50])
def test_gradcheck(k: int) -> None:
    loss = LocalityLoss(k)
    assert torch.autograd.gradcheck(lambda x: loss(x, LABELS), features().requires_grad_())


def test_more_neighbours_than_the_class_has_are_all_of_it() -> None:
    x = features()
    assert torch.equal(LocalityLoss(4)(x, LABELS), LocalityLoss(50)(x, LABELS))
    assert not torch.equal(LocalityLoss(3)(x, LABELS), LocalityLoss(4)(x, LABELS))


def test_only_face_of_its_class_adds_0() -> None:
    alone = features().requires_grad_()
    value = LocalityLoss(2)(alone[5:6], LABELS[5:6])
    value.backward()
    assert float(value.detach()) == 0
    assert alone.grad is not None
    assert not bool(alone.grad.any())


def test_only_the_nearest_pull() -> None:
    x = torch.tensor([[0.0], [1.0], [9.0]], dtype=torch.float64)
    # 0 and 1 pull each other, 9 is pulled by 1: (1 + 1 + 64) / 2 / 3.
    value = LocalityLoss(1)(x, torch.zeros(3, dtype=torch.int64))
    assert float(value) == pytest.approx(11)


def test_equal_faces() -> None:
    x = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
    value = LocalityLoss(2)(x, torch.zeros(4, dtype=torch.int64))
    value.backward()
    assert float(value.detach()) == 0
    assert x.grad is not None
    assert not bool(x.grad.any())


def test_two_processes_on_halves_are_one_on_the_whole(tmp_path: Path) -> None:
    x = features().requires_grad_()
    value = LocalityLoss(2)(x, LABELS)
    value.backward()
    halves = lose_together(tmp_path, LocalityLoss(2), features(), LABELS)
    assert x.grad is not None
    # DistributedDataParallel takes the mean of the processes' gradients.
    torch.testing.assert_close(torch.cat([half["gradient"] for half in halves]) / 2, x.grad)
    for half in halves:
        torch.testing.assert_close(half["value"], value.detach())
