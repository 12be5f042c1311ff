"""The affinity loss: its formula, its gradients, and that it reaches the model by its name."""

from __future__ import annotations

import pytest
import torch

from fer_det.config.classifier import TrainClassifierConfig
from fer_det.losses import build_loss
from fer_det.losses.affinity import AffinityLoss
from fer_det.models.resnet_classifier.config import Config


def test_by_hand() -> None:
    loss = AffinityLoss(2, 2)
    loss.centres.data = torch.tensor([[0.0, 0.0], [2.0, 4.0]])
    # Variances of 0, 2 and of 0, 4: 2 and 8.
    features = torch.tensor([[1.0, 0.0], [2.0, 1.0]])
    found = loss(features, torch.tensor([0, 1]))
    assert float(found.detach()) == pytest.approx((1 + 9) / 2 / 10)


def test_features_and_centres_come_closer() -> None:
    torch.manual_seed(0)
    loss = AffinityLoss(3, 4)
    features = torch.randn(6, 4, requires_grad=True)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    optimizer = torch.optim.SGD([features, loss.centres], lr=0.5)
    before = float(loss(features, labels).detach())
    for _ in range(20):
        optimizer.zero_grad()
        loss(features, labels).backward()
        optimizer.step()
    assert float(loss(features, labels).detach()) < before / 2


def test_no_face() -> None:
    assert float(AffinityLoss(3, 4)(torch.empty(0, 4), torch.empty(0, dtype=torch.int64))) == 0


def test_by_its_name() -> None:
    config = TrainClassifierConfig(loss="affinity", loss_weight=2.0, model=Config())
    loss = build_loss(config, 7)
    features, labels = torch.randn(4, 256), torch.tensor([0, 1, 2, 3])
    found = loss(features, torch.randn(4, 7), labels, None)
    alone = loss.of_features(features, labels)
    assert float(found["loss_affinity"]) == pytest.approx(2 * float(alone))
