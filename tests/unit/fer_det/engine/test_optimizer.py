import math
from dataclasses import replace

import pytest
import torch
from torch.optim import SGD, AdamW

from fer_det.config.training import OptimizerConfig
from fer_det.engine.optimizer import learning_rate, make_optimizer, set_learning_rate
from fer_det.models.contract import FaceModel

PEAK, TOTAL, WARMUP = 0.4, 100, 8


class Small(FaceModel):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.backbone = torch.nn.Linear(2, 2)
        self.rest = torch.nn.Linear(2, 2)


@pytest.mark.parametrize(("name", "kind"), [("sgd", SGD), ("adamw", AdamW)])
def test_settings(name: str, kind: type) -> None:
    config = OptimizerConfig(name=name, learning_rate=0.3, momentum=0.8, weight_decay=0.07)  # type: ignore[arg-type]
    optimizer = make_optimizer(Small(), config)
    assert isinstance(optimizer, kind)
    decayed, free = optimizer.param_groups
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.07, 0.0)
    assert all(group["lr"] == 0.3 for group in optimizer.param_groups)
    if name == "sgd":
        assert (decayed["momentum"], decayed["nesterov"]) == (0.8, True)
    else:
        assert decayed["betas"] == (0.8, 0.999)


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_no_momentum(name: str) -> None:
    model = Small()
    optimizer = make_optimizer(model, OptimizerConfig(name=name, momentum=0.0))  # type: ignore[arg-type]
    before = model.rest.weight.detach().clone()
    model.rest(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    assert not torch.equal(model.rest.weight, before)


def test_schedule_keeps_the_multipliers() -> None:
    optimizer = make_optimizer(Small(), OptimizerConfig(backbone_lr_multiplier=0.1))
    set_learning_rate(optimizer, 2.0)
    assert [group["lr"] for group in optimizer.param_groups] == [0.2, 0.2, 2.0, 2.0]


def test_multiplier_of_0_leaves_the_backbone_unchanged() -> None:
    model = Small()
    config = replace(OptimizerConfig(learning_rate=0.5), backbone_lr_multiplier=0.0)
    optimizer = make_optimizer(model, config)
    before = {name: values.clone() for name, values in model.state_dict().items()}
    for layer in (model.backbone, model.rest):
        layer(torch.ones(1, 2)).square().sum().backward()
    optimizer.step()
    moved = {n for n, v in model.state_dict().items() if not torch.equal(v, before[n])}
    assert moved == {"rest.weight", "rest.bias"}


class TestSchedule:
    def rate(self, step: int, total: int = TOTAL, warmup: int = WARMUP) -> float:
        return learning_rate(PEAK, step, total, warmup)

    def test_warm_up_is_linear(self) -> None:
        assert [self.rate(step) for step in range(8)] == pytest.approx(
            [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4]
        )

    def test_then_half_a_cosine_to_0(self) -> None:
        assert self.rate(8) == pytest.approx(PEAK)
        # A quarter, a half and three quarters of the 92 steps that are left.
        assert self.rate(8 + 23) == pytest.approx(PEAK * (1 + math.sqrt(0.5)) / 2)
        assert self.rate(8 + 46) == pytest.approx(PEAK / 2)
        assert self.rate(8 + 69) == pytest.approx(PEAK * (1 - math.sqrt(0.5)) / 2)
        assert 0 < self.rate(99) < 0.001 * PEAK
        assert self.rate(100) == pytest.approx(0, abs=1e-12)
        falling = [self.rate(step) for step in range(8, 101)]
        assert falling == sorted(falling, reverse=True)

    def test_warm_up_takes_a_tenth_at_most(self) -> None:
        assert self.rate(4, total=50, warmup=200) == pytest.approx(PEAK)
        assert self.rate(0, total=50, warmup=200) == pytest.approx(PEAK / 5)

    @pytest.mark.parametrize("warmup", [0, 200])
    def test_shortest_runs(self, warmup: int) -> None:
        assert self.rate(0, total=1, warmup=warmup) == pytest.approx(PEAK)
        assert self.rate(0, total=3, warmup=warmup) == pytest.approx(PEAK)
        assert 0 < self.rate(2, total=3, warmup=warmup) < PEAK

    def test_no_warm_up(self) -> None:
        assert self.rate(0, warmup=0) == PEAK
