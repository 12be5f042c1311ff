import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW

from fer_det.config import OptimizerConfig
from fer_det.engine.optimizer import make_optimizer


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
