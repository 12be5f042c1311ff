import pytest

from fer_det.config.classifier import TrainClassifierConfig
from fer_det.config.command import parse_config
from fer_det.config.training import TrainConfig
from fer_det.errors import ConfigError
from fer_det.models import Kind, config_chooser


def parse(config_class: type, kind: Kind, *argv: str) -> TrainClassifierConfig | TrainConfig:
    return parse_config(config_class, "prog", argv, {"model": config_chooser(kind)})


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
        "--label_smoothing=1",
        "--mixup=-0.1",
        "--optimizer.average=1",
        "--augment.erase=2",
        "--epochs=0",
    ],
)
def test_refused(flag: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(TrainClassifierConfig, "classifier", flag)
    assert flag.split("=")[0].lstrip("-").split(".")[-1] in str(caught.value)


@pytest.mark.parametrize(
    ("config_class", "kind"), [(TrainConfig, "detector"), (TrainClassifierConfig, "classifier")]
)
def test_frozen_weights_must_be_pretrained(config_class: type, kind: Kind) -> None:
    flags = ["--optimizer.freeze_layers=4", "--init=a.pth"]
    assert parse(config_class, kind, *flags).optimizer.freeze_layers == 4
    with pytest.raises(ConfigError, match=r"--optimizer.freeze_layers 4 with --init none"):
        parse(config_class, kind, flags[0], "--init=none")
