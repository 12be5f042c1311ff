import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW

from fer_det.config.training import OptimizerConfig
from fer_det.engine.optimizer import (
    freeze_backbone,
    make_optimizer,
    set_learning_rate,
    shorten_gradients,
)
from fer_det.models.vgg16 import VGG16Backbone, vgg16_features


def make_model() -> nn.Sequential:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    model[0].bias.requires_grad_(False)
    return model


@pytest.mark.parametrize(("name", "kind"), [("sgd", SGD), ("adamw", AdamW)])
def test_weights_alone_are_decayed(name: str, kind: type) -> None:
    model = make_model()
    config = OptimizerConfig(name=name, learning_rate=0.3, momentum=0.8, weight_decay=0.07)  # type: ignore[arg-type]
    optimizer = make_optimizer(model, config)
    assert isinstance(optimizer, kind)
    decayed, free = optimizer.param_groups
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.07, 0.0)
    assert [id(p) for p in decayed["params"]] == [id(model[0].weight), id(model[3].weight)]
    # Without the bias that is not trained.
    assert [id(p) for p in free["params"]] == [
        id(p) for p in (model[1].weight, model[1].bias, model[3].bias)
    ]
    assert all(group["lr"] == 0.3 for group in optimizer.param_groups)
    if name == "sgd":
        assert (decayed["momentum"], decayed["nesterov"]) == (0.8, True)
    else:
        assert decayed["betas"] == (0.8, 0.999)


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_no_momentum(name: str) -> None:
    model = make_model()
    optimizer = make_optimizer(model, OptimizerConfig(name=name, momentum=0.0))  # type: ignore[arg-type]
    before = model[3].weight.detach().clone()
    model(torch.rand(2, 3, 1, 1)).sum().backward()
    optimizer.step()
    assert not torch.equal(model[3].weight, before)


class TestBackboneRate:
    def make(self, rate: float) -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        model = nn.ModuleDict({"backbone": nn.Linear(2, 2), "head": nn.Linear(2, 2)})
        return model, make_optimizer(
            model, OptimizerConfig(learning_rate=0.5, backbone_lr_multiplier=rate)
        )

    def test_groups(self) -> None:
        model, optimizer = self.make(0.1)
        found = {
            id(p): (group["lr"], group["weight_decay"])
            for group in optimizer.param_groups
            for p in group["params"]
        }
        backbone, head = model["backbone"], model["head"]  # type: ignore[index]
        assert found == {
            id(backbone.weight): (0.05, 0.05),
            id(backbone.bias): (0.05, 0.0),
            id(head.weight): (0.5, 0.05),
            id(head.bias): (0.5, 0.0),
        }

    def test_one_rate_is_one_pair_of_groups(self) -> None:
        assert len(self.make(1.0)[1].param_groups) == 2

    def test_schedule_keeps_the_factor(self) -> None:
        _, optimizer = self.make(0.1)
        set_learning_rate(optimizer, 2.0)
        assert [group["lr"] for group in optimizer.param_groups] == [0.2, 0.2, 2.0, 2.0]

    def test_nothing_leaves_the_backbone_as_it_is(self) -> None:
        model, optimizer = self.make(0.0)
        before = {name: values.clone() for name, values in model.state_dict().items()}
        for layer in model.values():  # type: ignore[operator]
            layer(torch.ones(1, 2)).square().sum().backward()
        optimizer.step()
        moved = {n for n, v in model.state_dict().items() if not torch.equal(v, before[n])}
        assert moved == {"head.weight", "head.bias"}


def test_fc6_and_fc7_have_a_rate_of_their_own() -> None:
    model = nn.ModuleDict(
        {
            "backbone": nn.Linear(2, 2),
            "roi_heads": nn.ModuleDict(
                {"box_head": nn.Linear(2, 2), "class_score": nn.Linear(2, 2)}
            ),
        }
    )
    config = OptimizerConfig(learning_rate=0.5, backbone_lr_multiplier=0.1, head_lr_multiplier=0.2)
    rates = {
        id(p): group["lr"]
        for group in make_optimizer(model, config).param_groups
        for p in group["params"]
    }
    found = {name: rates[id(p)] for name, p in model.named_parameters() if p.ndim > 1}
    assert found == {
        "backbone.weight": 0.05,
        "roi_heads.box_head.weight": 0.1,
        "roi_heads.class_score.weight": 0.5,
    }


class TestFrozen:
    @pytest.mark.parametrize("batch_norm", [True, False])
    def test_first_convolutions_stay_norm_and_all(self, batch_norm: bool) -> None:
        torch.manual_seed(0)
        model = nn.ModuleDict({"backbone": VGG16Backbone(vgg16_features(batch_norm))})
        freeze_backbone(model, 3)
        optimizer = make_optimizer(model, OptimizerConfig(learning_rate=0.01))
        before = {name: values.clone() for name, values in model.state_dict().items()}
        model.eval().train()
        backbone = model["backbone"]
        backbone(torch.rand(2, 3, 32, 32))["0"].square().sum().backward()
        optimizer.step()
        still = {
            name for name, values in model.state_dict().items() if torch.equal(values, before[name])
        }
        frozen = ("backbone.features.0.", "backbone.features.2.", "backbone.features.5.")
        assert {name for name in before if name.startswith(frozen)} == still

    def test_frozen_they_see_in_training_what_they_see_in_evaluation(self) -> None:
        torch.manual_seed(0)
        backbone = VGG16Backbone(vgg16_features(batch_norm=True))
        backbone.freeze(13)
        pictures = torch.rand(2, 3, 32, 32)
        with torch.no_grad():
            wanted = backbone.eval()(pictures)["0"]
            torch.testing.assert_close(backbone.train()(pictures)["0"], wanted)

    def test_nothing_frozen_asks_for_no_backbone(self) -> None:
        freeze_backbone(nn.Linear(1, 1), 0)


class TestShortenGradients:
    @pytest.mark.parametrize("longest", [0.01, 1.0, 1e9, float("inf")])
    def test_as_torch_clips(self, longest: float) -> None:
        torch.manual_seed(0)
        ours, theirs = make_model(), make_model()
        theirs.load_state_dict(ours.state_dict())
        pictures = torch.rand(4, 3, 1, 1)
        for model in (ours, theirs):
            model(pictures).square().sum().backward()
        wanted = nn.utils.clip_grad_norm_(theirs.parameters(), longest)
        assert torch.equal(shorten_gradients(ours, longest), wanted)
        for own, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert (own.grad is None) == (other.grad is None)
            assert own.grad is None or torch.equal(own.grad, other.grad)

    def test_short_ones_are_not_touched(self) -> None:
        layer = nn.Linear(2, 1)
        layer(torch.ones(1, 2)).sum().backward()
        versions = [p.grad._version for p in layer.parameters()]
        shorten_gradients(layer, 100.0)
        assert [p.grad._version for p in layer.parameters()] == versions

    def test_what_is_no_number_spreads(self) -> None:
        layer = nn.Linear(2, 1)
        layer(torch.tensor([[float("nan"), 1.0]])).sum().backward()
        assert shorten_gradients(layer, 1.0).isnan()
        assert layer.bias.grad.isnan().all()
