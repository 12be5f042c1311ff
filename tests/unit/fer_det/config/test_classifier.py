import pytest

from fer_det.config.backbone import TrainBackboneConfig
from fer_det.config.classifier import ClassifierConfig, TrainClassifierConfig
from fer_det.config.command import parse_config
from fer_det.config.training import ModelConfig, TrainConfig
from fer_det.errors import ConfigError


@pytest.mark.parametrize(
    "flag",
    [
        "--model.input_size=100",
        "--model.dropout=1",
        "--model.face_margin=-0.1",
        "--model.face_margin=3",
        "--model.rpn_samples=8",
        "--loss_weight=-1",
        "--loss_weight=nan",
        "--centre_rate=1.5",
        "--neighbours=0",
        "--optimizer.head_lr_multiplier=-1",
        "--optimizer.freeze_layers=14",
        "--optimizer.freeze_layers=1",
        "--epochs=0",
    ],
)
def test_refused(flag: str) -> None:
    with pytest.raises(ConfigError) as told:
        parse_config(TrainClassifierConfig, "train_classifier", [flag])
    assert flag.split("=")[0].lstrip("-").split(".")[-1] in str(told.value)


def test_settings_that_a_checkpoint_keeps() -> None:
    config = ClassifierConfig(input_size=64, head_width=8, face_margin=0.5)
    wanted = ModelConfig(name="vgg16_classifier", input_size=64, head_width=8, face_margin=0.5)
    assert config.as_model() == wanted


@pytest.mark.parametrize("kind", [TrainConfig, TrainClassifierConfig])
def test_frozen_weights_come_from_somewhere(kind: type) -> None:
    flags = ["--optimizer.freeze_layers=4", "--init=a.pth"]
    assert parse_config(kind, "train", flags).optimizer.freeze_layers == 4
    with pytest.raises(ConfigError, match=r"--optimizer.freeze_layers 4 without --init"):
        parse_config(kind, "train", flags[:1])


def test_backbone_that_begins_at_random_is_never_frozen() -> None:
    with pytest.raises(ConfigError, match=r"--optimizer.freeze_layers 1; wanted 0"):
        parse_config(TrainBackboneConfig, "train_backbone", ["--optimizer.freeze_layers=1"])
