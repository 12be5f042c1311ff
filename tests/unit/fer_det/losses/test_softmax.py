import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fer_det.config.classifier import TrainClassifierConfig
from fer_det.errors import ConfigError
from fer_det.losses import LOSSES, build_loss
from fer_det.losses.softmax import BesideSoftmax, Softmax, cross_entropy
from fer_det.models.vgg16_classifier.config import Config

WIDTH, COUNT = 6, 5
FEATURES = torch.randn(COUNT, WIDTH, generator=torch.Generator().manual_seed(0))
LOGITS = torch.randn(COUNT, 3, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 2, 2, 0, 2])


def config(name: str) -> TrainClassifierConfig:
    return TrainClassifierConfig(loss=name, model=Config(head_width=WIDTH))


def test_formula() -> None:
    powers = np.exp(LOGITS.double().numpy())
    rows = powers / powers.sum(1, keepdims=True)
    wanted = -np.log(rows[np.arange(COUNT), LABELS.numpy()]).mean()
    (found,) = Softmax()(FEATURES, LOGITS, LABELS).values()
    assert float(found) == pytest.approx(wanted, rel=1e-6)


class TestSoftLabels:
    VOTES = torch.tensor(
        [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.1, 0.2, 0.7], [1.0, 0.0, 0.0], [0.0, 0.3, 0.7]]
    )

    def test_one_hot_rows_are_hard_labels_to_the_last_digit(self) -> None:
        rows = torch.eye(3)[LABELS]
        hard = cross_entropy(LOGITS, LABELS)
        assert torch.equal(cross_entropy(LOGITS, LABELS, rows), hard)

    def test_formula(self) -> None:
        found = cross_entropy(LOGITS, LABELS, self.VOTES)
        wanted = -(self.VOTES.double() * LOGITS.double().log_softmax(1)).sum()
        assert float(found) == pytest.approx(float(wanted), rel=1e-6)

    @pytest.mark.parametrize("name", sorted(LOSSES))
    def test_every_loss_takes_them(self, name: str) -> None:
        loss = build_loss(config(name), 3).eval()
        hard, soft = loss(FEATURES, LOGITS, LABELS), loss(FEATURES, LOGITS, LABELS, self.VOTES)
        wanted = cross_entropy(LOGITS, LABELS, self.VOTES) / COUNT
        torch.testing.assert_close(soft["loss_softmax"], wanted)
        # Losses of features use the most probable class.
        assert all(torch.equal(soft[key], hard[key]) for key in hard if key != "loss_softmax")

    def test_no_rows(self) -> None:
        none = torch.empty(0, 3)
        assert cross_entropy(none, torch.empty(0, dtype=torch.int64), none) == 0


def test_weight_of_the_loss_of_features() -> None:
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
    def test_named_losses_with_gradients(self, name: str) -> None:
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
        # Several processes exchange their gradients, so each one must have some.
        total.backward()
        assert logits.grad is not None

    def test_mean_does_not_grow_with_the_batch(self, name: str) -> None:
        # Each face occurs twice, so all classes keep their centres and neighbours.
        build = build_loss(config(name), 3).eval()
        twice = [torch.cat([part, part]) for part in (FEATURES, LOGITS, LABELS)]
        once = build(FEATURES, LOGITS, LABELS)
        for key, value in build(*twice).items():
            if key != "loss_locality":
                torch.testing.assert_close(value, once[key])


def test_unknown() -> None:
    with pytest.raises(ConfigError, match=r"--loss focal; wanted one of softmax, centre, locality"):
        build_loss(config("focal"), 3)
