import json
from dataclasses import replace
from pathlib import Path

import pytest

from fer_det.config.command import parse_config
from fer_det.config.training import (
    AugmentConfig,
    EvalConfig,
    ModelConfig,
    OptimizerConfig,
    TrainConfig,
    from_plain,
    to_plain,
)
from fer_det.errors import ConfigError
from fer_det.imaging.jitter import JitterRanges


class TestPlain:
    def test_model_there_and_back(self) -> None:
        config = ModelConfig(input_size=96, image_mean=(0.1, 0.2, 0.3), batch_norm=False)
        plain = json.loads(json.dumps(to_plain(config)))
        assert from_plain(ModelConfig, plain) == config

    def test_nested_configuration_holds_plain_values_alone(self) -> None:
        plain = to_plain(TrainConfig(out=Path("a/b")))
        assert json.loads(json.dumps(plain)) == plain
        assert plain["out"] == str(Path("a/b"))
        assert plain["augment"]["jitter"]["rotation"] == JitterRanges().rotation

    def test_absent_field_has_its_default(self) -> None:
        plain = to_plain(ModelConfig(input_size=96))
        del plain["nms_iou"]
        assert from_plain(ModelConfig, plain) == ModelConfig(input_size=96)

    def test_unknown_field(self) -> None:
        with pytest.raises(ConfigError, match=r"ModelConfig with depth; wanted only .*; use the"):
            from_plain(ModelConfig, {**to_plain(ModelConfig()), "depth": 3})


def test_without_batch_norm() -> None:
    config = ModelConfig(input_size=96)
    assert config.without_batch_norm() == replace(config, batch_norm=False)


def test_padding_is_the_mean_colour_in_bytes() -> None:
    assert ModelConfig(image_mean=(0.0, 0.5, 1.0)).padding == (0, 128, 255)


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
        "--model.nms_iou=1.5",
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
        "--epochs=0",
        "--batch_size=0",
        "--workers=-1",
        "--balance=1.1",
        "--seed=-1",
        "--precision=int8",
    ],
)
def test_training_refuses(flag: str) -> None:
    with pytest.raises(ConfigError) as told:
        parse_config(TrainConfig, "train", [flag])
    name = flag.removeprefix("--").split("=")[0].split(".")[-1]
    assert name in str(told.value)
    assert "\n" not in str(told.value)


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
    assert TrainConfig(balance=edge, workers=0).balance == edge
    assert OptimizerConfig(momentum=0.0, weight_decay=0.0, warmup_steps=0).momentum == 0
