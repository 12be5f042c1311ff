import pytest

from fer_det.config.backbone import TrainBackboneConfig
from fer_det.config.command import parse_config
from fer_det.errors import ConfigError
from fer_det.models import config_chooser


def parse(*argv: str) -> TrainBackboneConfig:
    choose = {"model": config_chooser("backbone")}
    return parse_config(TrainBackboneConfig, "train_backbone", argv, choose)


@pytest.mark.parametrize(
    "flag",
    [
        "--model.input_size=100",
        "--model.dropout=1",
        "--model.image_std=[0.2, 0, 0.2]",
        "--losses.label_smoothing=1",
        "--losses.units=-1",
        "--losses.pose=nan",
        "--optimizer.backbone_lr_multiplier=-0.1",
        "--epochs=0",
        "--model.head_width=16",
    ],
)
def test_refused(flag: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(flag)
    assert flag.split("=")[0].split(".")[-1] in str(caught.value)


def test_defaults() -> None:
    config = parse()
    assert (config.model.name, config.model.input_size) == ("face_attributes", 96)
    assert config.epochs == 10


def test_backbone_with_random_weights_is_never_frozen() -> None:
    with pytest.raises(ConfigError, match=r"--optimizer.freeze_layers 1; wanted 0"):
        parse("--optimizer.freeze_layers=1")
