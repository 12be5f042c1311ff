import pytest

from fer_det.config.backbone import FaceAttributesConfig, TrainBackboneConfig
from fer_det.config.command import parse_config
from fer_det.config.training import ModelConfig
from fer_det.errors import ConfigError


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
    with pytest.raises(ConfigError) as told:
        parse_config(TrainBackboneConfig, "train_backbone", [flag])
    assert flag.split("=")[0].split(".")[-1] in str(told.value)


def test_settings_that_a_checkpoint_keeps() -> None:
    config = FaceAttributesConfig(input_size=64, dropout=0.1, image_mean=(0.1, 0.2, 0.3))
    wanted = ModelConfig(
        name="face_attributes", input_size=64, dropout=0.1, image_mean=(0.1, 0.2, 0.3)
    )
    assert config.as_model() == wanted
    assert wanted.batch_norm
