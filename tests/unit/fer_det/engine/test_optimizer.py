import copy
import math

import pytest
import torch
from torch.optim import SGD, AdamW

from fer_det.config.training import OptimizerConfig
from fer_det.engine.optimizer import Optimization, learning_rate, make_optimizer
from fer_det.models.contract import FaceModel
from fer_det.runtime.device import Hardware

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


class TestSteps:
    def make(self, **changes: float) -> tuple[Small, Optimization]:
        model, config = Small(), OptimizerConfig(learning_rate=0.5, **changes)  # type: ignore[arg-type]
        return model, Optimization(model, config, Hardware(torch.device("cpu"), "float32"))

    def loss(self, model: Small) -> torch.Tensor:
        return sum(layer(torch.ones(1, 2)).square().sum() for layer in (model.backbone, model.rest))  # type: ignore[return-value]

    def test_schedule_keeps_the_multipliers(self) -> None:
        model, optimization = self.make(backbone_lr_multiplier=0.1, warmup_steps=0)
        optimization.compute_gradients(self.loss(model))
        assert optimization.step(50, 100) == pytest.approx(0.25)
        rates = [group["lr"] for group in optimization.optimizer.param_groups]
        assert rates == pytest.approx([0.025, 0.025, 0.25, 0.25])

    def test_multiplier_of_0_leaves_the_backbone_unchanged(self) -> None:
        model, optimization = self.make(backbone_lr_multiplier=0.0)
        before = {name: values.clone() for name, values in model.state_dict().items()}
        optimization.compute_gradients(self.loss(model))
        optimization.step(0, 1)
        moved = {n for n, v in model.state_dict().items() if not torch.equal(v, before[n])}
        assert moved == {"rest.weight", "rest.bias"}

    @pytest.mark.parametrize("clip_norm", [0.01, 1e9])
    def test_gradients_are_clipped_together(self, clip_norm: float) -> None:
        model, optimization = self.make(clip_norm=clip_norm)
        norm = float(optimization.compute_gradients(self.loss(model)))
        after = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        assert norm > 0.1
        assert float(after.norm()) == pytest.approx(min(norm, clip_norm), rel=1e-3)

    def test_gradient_that_is_not_finite_shows(self) -> None:
        model, optimization = self.make()
        loss = model.rest(torch.tensor([[float("nan"), 1.0]])).sum()
        assert optimization.compute_gradients(loss).isnan()
        assert not optimization.skips_infinite_steps

    def test_state_is_restored(self) -> None:
        model, optimization = self.make()
        for number in range(3):
            optimization.compute_gradients(self.loss(model))
            optimization.step(number, 10)
        other_model, other = self.make()
        other_model.load_state_dict(model.state_dict())
        # As if written to a file: the optimizer would use the same tensors.
        other.restore(copy.deepcopy(optimization.state()))
        for each, own in ((optimization, model), (other, other_model)):
            each.compute_gradients(self.loss(own))
            each.step(3, 10)
        for name, values in model.state_dict().items():
            assert torch.equal(values, other_model.state_dict()[name])


class TestPlateau:
    SCORES = (0.3, 0.4, 0.4, 0.39, 0.2, 0.5, 0.1, 0.1, 0.5, 0.1)
    FACTORS = (1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25)

    def make(self, schedule: str = "plateau") -> Optimization:
        config = OptimizerConfig(learning_rate=0.4, schedule=schedule, warmup_steps=2)  # type: ignore[arg-type]
        return Optimization(Small(), config, Hardware(torch.device("cpu"), "float32"))

    def test_rate_halves_after_three_epochs_without_a_better_score(self) -> None:
        optimization = self.make()
        assert [optimization.step(number, 100) for number in (0, 1, 2)] == [0.2, 0.4, 0.4]
        for score, factor in zip(self.SCORES, self.FACTORS, strict=True):
            optimization.end_epoch(score)
            assert optimization.step(50, 100) == pytest.approx(0.4 * factor)

    @pytest.mark.parametrize("stopped", range(len(SCORES)))
    def test_resumed_it_goes_on_alike(self, stopped: int) -> None:
        first, resumed = self.make(), self.make()
        for score in self.SCORES[:stopped]:
            first.end_epoch(score)
        resumed.restore(copy.deepcopy(first.state()))
        for score, factor in list(zip(self.SCORES, self.FACTORS, strict=True))[stopped:]:
            resumed.end_epoch(score)
            assert resumed.step(50, 100) == pytest.approx(0.4 * factor)

    def test_the_cosine_does_not_look_at_scores(self) -> None:
        optimization = self.make("cosine")
        before = optimization.step(50, 100)
        for _ in range(9):
            optimization.end_epoch(0.1)
        assert optimization.step(50, 100) == before


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
