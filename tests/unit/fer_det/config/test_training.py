import json
from pathlib import Path

import pytest

from fer_det.config.command import parse_config
from fer_det.config.model import to_plain
from fer_det.config.scoring import EvalConfig
from fer_det.config.training import AugmentConfig, OptimizerConfig, TrainConfig
from fer_det.errors import ConfigError
from fer_det.imaging.jitter import JitterRanges
from fer_det.models import config_chooser
from fer_det.models.vgg16_frcnn.config import Config


def parse(*argv: str) -> TrainConfig:
    return parse_config(TrainConfig, "train", argv, {"model": config_chooser("detector")})


def test_nested_configuration_holds_plain_values_alone() -> None:
    plain = to_plain(TrainConfig(model=Config(), out=Path("a/b")))
    assert json.loads(json.dumps(plain)) == plain
    assert plain["out"] == str(Path("a/b"))
    assert plain["augment"]["jitter"]["rotation"] == JitterRanges().rotation


@pytest.mark.parametrize(
    "flag",
    [
        "--model.input_size=100",
        "--model.input_size=0",
        "--model.head_width=0",
        "--model.rpn_samples=1",
        "--model.roi_samples=1",
        "--model.train_proposals=0",
        "--model.test_proposals=-1",
        "--model.detections=0",
        "--model.dropout=1",
        "--model.dropout=-0.1",
        "--model.nms_iou=0",
        "--model.anchor_scales=[]",
        "--model.anchor_scales=[0.1, 9]",
        "--model.anchor_ratios=[0]",
        "--model.rpn_negative_iou=0.8",
        "--model.rpn_nms_iou=0",
        "--model.rpn_candidates=0",
        "--model.min_objectness=1.1",
        "--model.match_iou=0",
        "--model.box_weights=[0, 1, 1, 1]",
        "--model.pooling_size=0",
        "--model.sampling_ratio=0",
        "--model.image_mean=[0.5, 0.5, 127]",
        "--model.image_std=[0.2, 0, 0.2]",
        "--augment.flip=2",
        "--augment.scale=1",
        "--augment.shift=-1",
        "--augment.jitter.rotation=999",
        "--optimizer.learning_rate=0",
        "--optimizer.learning_rate=nan",
        "--optimizer.clip_norm=0",
        "--optimizer.momentum=1",
        "--optimizer.weight_decay=-1",
        "--optimizer.warmup_steps=-1",
        "--optimizer.name=adam",
        "--optimizer.freeze_layers=-1",
        "--optimizer.freeze_layers=14",
        "--epochs=0",
        "--batch_size=0",
        "--workers=-1",
        "--balance=1.1",
        "--seed=-1",
        "--precision=int8",
    ],
)
def test_training_refuses(flag: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(flag)
    name = flag.removeprefix("--").split("=")[0].split(".")[-1]
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("flag", ["--batch_size=0", "--resamples=0", "--workers=-1"])
def test_evaluation_refuses(flag: str) -> None:
    with pytest.raises(ConfigError, match=flag.removeprefix("--").split("=")[0]):
        parse_config(EvalConfig, "eval", ["--weights=best.pth", flag])


def test_evaluation_wants_weights() -> None:
    with pytest.raises(ConfigError, match="weights"):
        parse_config(EvalConfig, "eval", [])


@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_edges_that_are_allowed(edge: float) -> None:
    assert AugmentConfig(flip=edge, scale=0.0, shift=edge).flip == edge
    assert TrainConfig(model=Config(), balance=edge, workers=0).balance == edge
    assert OptimizerConfig(momentum=0.0, weight_decay=0.0, warmup_steps=0).momentum == 0
