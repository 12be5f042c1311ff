import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fer_det.config.classifier import ClassifierConfig, TrainClassifierConfig
from fer_det.errors import ConfigError
from fer_det.losses import LOSSES, build_loss
from fer_det.losses.softmax import BesideSoftmax, Softmax

WIDTH, COUNT = 6, 5
FEATURES = torch.randn(COUNT, WIDTH, generator=torch.Generator().manual_seed(0))
LOGITS = torch.randn(COUNT, 3, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 2, 2, 0, 2])


def config(name: str) -> TrainClassifierConfig:
    return TrainClassifierConfig(loss=name, model=ClassifierConfig(head_width=WIDTH))


def test_formula() -> None:
    powers = np.exp(LOGITS.double().numpy())
    rows = powers / powers.sum(1, keepdims=True)
    wanted = -np.log(rows[np.arange(COUNT), LABELS.numpy()]).mean()
    (found,) = Softmax()(FEATURES, LOGITS, LABELS).values()
    assert float(found) == pytest.approx(wanted, rel=1e-6)


def test_weight_of_what_stands_beside() -> None:
    class Sum(nn.Module):
        def forward(self, features: Tensor, labels: Tensor) -> Tensor:
            return features.sum() + labels.sum()

    found = BesideSoftmax("sum", Sum(), 0.25)(FEATURES, LOGITS, LABELS)
    assert list(found) == ["loss_softmax", "loss_sum"]
    assert float(found["loss_sum"]) == pytest.approx(0.25 * (float(FEATURES.sum()) + 6))
    torch.testing.assert_close(
        found["loss_softmax"], Softmax()(FEATURES, LOGITS, LABELS)["loss_softmax"]
    )


@pytest.mark.parametrize("name", sorted(LOSSES))
class TestEveryLoss:
    def test_named_losses_that_features_can_learn_from(self, name: str) -> None:
        features, logits = FEATURES.clone().requires_grad_(), LOGITS.clone().requires_grad_()
        losses = build_loss(config(name), 3)(features, logits, LABELS)
        assert "loss_softmax" in losses
        assert all(key.startswith("loss_") and value.shape == () for key, value in losses.items())
        torch.stack(list(losses.values())).sum().backward()
        assert logits.grad is not None
        assert bool((logits.grad != 0).any())
        if name != "softmax":
            assert f"loss_{name}" in losses
            assert features.grad is not None
            assert bool((features.grad != 0).any())

    def test_batch_without_a_face(self, name: str) -> None:
        features = torch.empty(0, WIDTH, requires_grad=True)
        logits = torch.empty(0, 3, requires_grad=True)
        losses = build_loss(config(name), 3)(features, logits, torch.empty(0, dtype=torch.int64))
        total = torch.stack(list(losses.values())).sum()
        assert float(total.detach()) == 0
        # Several processes wait for each other's gradients, so there must be some.
        total.backward()
        assert logits.grad is not None

    def test_a_mean_does_not_grow_with_the_batch(self, name: str) -> None:
        # Each face stands there twice, so that all classes have the same centres and neighbours.
        build = build_loss(config(name), 3).eval()
        twice = [torch.cat([part, part]) for part in (FEATURES, LOGITS, LABELS)]
        once = build(FEATURES, LOGITS, LABELS)
        for key, value in build(*twice).items():
            if key != "loss_locality":
                torch.testing.assert_close(value, once[key])


def test_unknown() -> None:
    with pytest.raises(ConfigError, match=r"--loss focal; wanted one of softmax, centre, locality"):
        build_loss(config("focal"), 3)
