"""The centre loss against the paper's two formulas, written out face by face."""

from pathlib import Path

import numpy as np
import torch
from fake_data.two_processes import lose_together
from numpy.typing import NDArray
from torch import Tensor

from fer_det.losses.centre import CentreLoss

CLASSES, WIDTH, RATE = 4, 5, 0.3
LABELS = torch.tensor([0, 2, 2, 0, 2, 3])
"""Class 1 has no face, class 3 has one."""

Doubles = NDArray[np.float64]


def features(seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(len(LABELS), WIDTH, generator=generator, dtype=torch.float64)


def made() -> CentreLoss:
    """With centres that are not 0."""
    loss = CentreLoss(CLASSES, WIDTH, RATE).double()
    loss.centres.copy_(torch.arange(CLASSES * WIDTH).view(CLASSES, WIDTH) / 10)
    return loss


def formula(x: Doubles, y: list[int], c: Doubles) -> float:
    return 0.5 * sum(float(((x[i] - c[y[i]]) ** 2).sum()) for i in range(len(y))) / len(y)


def updated(x: Doubles, y: list[int], c: Doubles) -> Doubles:
    after = c.copy()
    for j in range(len(c)):
        members = [x[i] for i in range(len(y)) if y[i] == j]
        change = sum((c[j] - member for member in members), np.zeros(WIDTH)) / (1 + len(members))
        after[j] = c[j] - RATE * change
    return after


def test_value_gradient_and_centres() -> None:
    loss, x = made(), features().requires_grad_()
    centres = loss.centres.numpy().copy()
    value = loss.train()(x, LABELS)
    value.backward()
    plain, labels = x.detach().numpy(), LABELS.tolist()
    np.testing.assert_allclose(float(value.detach()), formula(plain, labels, centres))
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), (plain - centres[labels]) / len(labels))
    np.testing.assert_allclose(loss.centres.numpy(), updated(plain, labels, centres), rtol=1e-12)
    # A class without a face keeps its centre.
    assert np.array_equal(loss.centres[1].numpy(), centres[1])


def test_gradcheck() -> None:
    loss = made().eval()
    assert torch.autograd.gradcheck(lambda x: loss(x, LABELS), features().requires_grad_())


def test_evaluation_updates_nothing() -> None:
    loss = made().eval()
    before = loss.centres.clone()
    loss(features(), LABELS)
    assert torch.equal(loss.centres, before)


def test_centres_converge_to_the_mean_of_their_class() -> None:
    loss, x = CentreLoss(CLASSES, WIDTH, 0.5).double().train(), features()
    for _ in range(200):
        loss(x, LABELS)
    torch.testing.assert_close(loss.centres[2], x[LABELS == 2].mean(0))
    assert not bool(loss.centres[1].any())


def test_centres_are_saved_and_have_no_gradient() -> None:
    loss = made()
    assert list(loss.state_dict()) == ["centres"]
    assert not list(loss.parameters())
    other = CentreLoss(CLASSES, WIDTH, RATE).double()
    other.load_state_dict(loss.state_dict())
    assert torch.equal(other(features(), LABELS), loss(features(), LABELS))
    assert torch.equal(other.centres, loss.centres)


def test_two_processes_on_halves_are_one_on_the_whole(tmp_path: Path) -> None:
    loss, x = made().train(), features().requires_grad_()
    value = loss(x, LABELS)
    value.backward()
    halves = lose_together(tmp_path, made().train(), features(), LABELS)
    assert x.grad is not None
    # DistributedDataParallel takes the mean of the processes' gradients.
    torch.testing.assert_close(torch.cat([half["gradient"] for half in halves]) / 2, x.grad)
    torch.testing.assert_close(torch.stack([half["value"] for half in halves]).mean(), value)
    for half in halves:
        torch.testing.assert_close(half["centres"], loss.centres, rtol=1e-12, atol=1e-12)
    assert torch.equal(halves[0]["centres"], halves[1]["centres"])
