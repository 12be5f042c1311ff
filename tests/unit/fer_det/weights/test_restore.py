from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fer_det.config.classifier import CLASSIFIER_MODEL
from fer_det.config.training import ModelConfig
from fer_det.errors import ConfigError, WeightsError
from fer_det.models import build_model
from fer_det.weights.checkpoint import Checkpoint
from fer_det.weights.restore import restore_model

CONFIG = ModelConfig(name=CLASSIFIER_MODEL, input_size=32, head_width=4, batch_norm=False)
CLASSES = ("fear", "anger")


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return Checkpoint(build_model(CONFIG, CLASSES).state_dict(), CONFIG, CLASSES)


def refused(checkpoint: Checkpoint) -> str:
    with pytest.raises(WeightsError) as told:
        restore_model(checkpoint, Path("best.pth"))
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 400
    return told.value.found


def test_weights_are_in_the_model(checkpoint: Checkpoint) -> None:
    found = restore_model(checkpoint, Path("best.pth")).state_dict()
    assert found.keys() == checkpoint.model.keys()
    assert all(torch.equal(found[name], checkpoint.model[name]) for name in found)
    assert all(not tensor.is_meta for tensor in found.values())


def test_what_only_training_needs_is_left_out(checkpoint: Checkpoint) -> None:
    more = {**checkpoint.model, "loss.centres": torch.zeros(2, 4)}
    restore_model(replace(checkpoint, model=more), Path("last.pth"))


def test_other_settings(checkpoint: Checkpoint) -> None:
    # So wide that building it would take all memory there is.
    wide = replace(CONFIG, head_width=10**9)
    told = refused(replace(checkpoint, config=wide))
    assert told.startswith("best.pth holds other weights than its settings ask for (size mismatch")


def test_layers_of_another_network(checkpoint: Checkpoint) -> None:
    first, *rest = checkpoint.model
    fewer = {name: checkpoint.model[name] for name in rest}
    assert first in refused(replace(checkpoint, model=fewer))
    more = {**checkpoint.model, "third_eye.weight": torch.zeros(1)}
    assert "third_eye.weight" in refused(replace(checkpoint, model=more))


def test_model_that_is_not_known(checkpoint: Checkpoint) -> None:
    with pytest.raises(ConfigError, match="resnet"):
        restore_model(replace(checkpoint, config=replace(CONFIG, name="resnet")), Path("a.pth"))
