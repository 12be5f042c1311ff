import pytest
import torch
from fake_data.stub_detector import Config, StubDetector
from fake_data.voc_tree import CLASSES

from fer_det.engine.averaging import WARM_UP, WeightAverage


def weights_of(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([values.detach().flatten() for values in model.parameters()])


def move(model: torch.nn.Module, value: float) -> None:
    with torch.no_grad():
        for values in model.parameters():
            values.fill_(value)


@pytest.fixture
def model() -> StubDetector:
    return StubDetector(Config(input_size=32), CLASSES)


def test_average_by_the_decay_and_its_warm_up(model: StubDetector) -> None:
    average = WeightAverage(model, 0.5)
    move(model, 1.0)
    average.update(model)
    assert weights_of(average.model) == pytest.approx(1.0)
    expected = 1.0
    for step, value in enumerate((3.0, -2.0, 5.0), start=1):
        move(model, value)
        average.update(model)
        decay = min(0.5, (1 + step) / (WARM_UP + step))
        expected = decay * expected + (1 - decay) * value
        assert weights_of(average.model) == pytest.approx(expected, rel=1e-6)
    assert weights_of(model) == pytest.approx(5.0)


def test_continues_from_its_state(model: StubDetector) -> None:
    first, second = WeightAverage(model, 0.9), WeightAverage(model, 0.9)
    for value in (1.0, 2.0):
        move(model, value)
        first.update(model)
    second.restore(first.state())
    move(model, 7.0)
    first.update(model)
    second.update(model)
    assert torch.equal(weights_of(first.model), weights_of(second.model))
