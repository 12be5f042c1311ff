"""Settings of every training command, and those of the command that trains a detector."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fer_det.config.model import ModelConfig, Precision, demand
from fer_det.errors import ConfigError
from fer_det.imaging.jitter import JitterRanges

AUTO, NONE = Path("auto"), Path("none")
"""Values of --init that are no files."""


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes of the training pictures, sampled again in each epoch."""

    flip: float = 0.5
    """Probability of a horizontal flip."""
    scale: float = 0.15
    """Largest relative change of size."""
    shift: float = 0.06
    """Largest shift, relative to the input size."""
    jitter: JitterRanges = field(default_factory=JitterRanges)
    """Ranges of brightness, colour and rotation, as in the balancer."""
    gray: float = 0.0
    """Probability that the colours are taken away."""
    mask: float = 0.0
    """Probability that a labelled face wears a drawn face mask."""
    erase: float = 0.0
    """Probability that a random rectangle is filled with noise (random erasing)."""
    shrink: float = 1.0
    """Largest factor by which half of the pictures first lose resolution; 1 for none."""

    def __post_init__(self) -> None:
        for name in ("flip", "gray", "mask", "erase"):
            value = getattr(self, name)
            demand(0 <= value <= 1, f"--augment.{name} {value}", "0 to 1")
        demand(0 <= self.scale < 1, f"--augment.scale {self.scale}", "0 <= scale < 1")
        demand(0 <= self.shift <= 1, f"--augment.shift {self.shift}", "0 to 1")
        demand(1 <= self.shrink <= 64, f"--augment.shrink {self.shrink}", "1 to 64")


@dataclass(frozen=True)
class OptimizerConfig:
    """Optimizer, learning rate schedule and frozen layers."""

    name: Literal["sgd", "adamw"] = "adamw"
    """Optimizer: adamw, or sgd with Nesterov momentum."""
    learning_rate: float = 0.0005
    """Highest learning rate, reached after the warm-up; for sgd try 0.02 first."""
    momentum: float = 0.9
    """Momentum of sgd, or the first beta of adamw."""
    weight_decay: float = 0.05
    """Weight decay; for sgd try 0.0005. Biases and normalisation layers are not decayed."""
    schedule: Literal["cosine", "plateau"] = "cosine"
    """Learning rate after the warm-up: cosine falls to 0 at the end; plateau halves it after each
    three epochs without a better selection score on the validation split."""
    warmup_steps: int = 200
    """Steps in which the learning rate rises linearly from 0; at most a tenth of all steps."""
    clip_norm: float = 10.0
    """Clip the total gradient norm to this value."""
    average: float = 0.0
    """Decay of an exponential moving average of the weights, which is what is scored and written to
    best.pth; 0 for none, 0.999 averages over about 1,000 steps."""
    backbone_lr_multiplier: float = 1.0
    """Multiplier of the backbone's learning rate; 0 leaves the backbone's weights unchanged."""
    head_lr_multiplier: float = 1.0
    """Multiplier of the learning rate of head layers that can be pretrained (VGG16: fc6, fc7)."""
    freeze_layers: int = 0
    """Freeze the first N layers of the backbone, including their batch norm; needs --init."""

    def __post_init__(self) -> None:
        for name in ("learning_rate", "clip_norm"):
            value = getattr(self, name)
            demand(value > 0, f"--optimizer.{name} {value}", "more than 0")
        for name in (
            "weight_decay",
            "warmup_steps",
            "backbone_lr_multiplier",
            "head_lr_multiplier",
            "freeze_layers",
        ):
            value = getattr(self, name)
            demand(value >= 0, f"--optimizer.{name} {value}", "0 or more")
        for name in ("momentum", "average"):
            value = getattr(self, name)
            demand(0 <= value < 1, f"--optimizer.{name} {value}", f"0 <= {name} < 1")


@dataclass(frozen=True)
class RunConfig:
    """Settings of every training command."""

    model: ModelConfig = field(kw_only=True)
    """The network and its settings; --model.name selects it, and with it the other flags."""
    out: Path | None = None
    """Run folder; by default runs/<kind>-001, -002, ...: the newest one if it can be resumed."""
    epochs: int = 30
    """Passes over the training split."""
    batch_size: int = 16
    """Pictures a step, in all processes together."""
    seed: int = 0
    """Seed of all random numbers: the same seed gives the same run."""
    balance: float = 0.5
    """Repeat rare classes by (largest / own count) to this power: 0 never, 1 to equal counts."""
    precision: Precision = "auto"
    """Number format of the network; auto takes bfloat16 where the processor computes it fast."""
    device: str = "auto"
    """Device: cpu, cuda, cuda:1, ...; auto takes a GPU if there is one."""
    workers: int = 2
    """Processes that load pictures, for each training process; 0 loads them in the process."""
    processes: int = 1
    """Training processes on this machine, started as torchrun does; with GPUs one for each GPU."""
    retries: int = 0
    """How often a run is resumed from its last checkpoint after one of its processes has died."""
    save_minutes: float = 10.0
    """Minutes between two checkpoints within an epoch."""
    overwrite: bool = False
    """Start again even if --out holds another run, which is deleted."""
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    """Random changes of the training pictures."""
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    """Optimizer, learning rate schedule and frozen layers."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "processes"):
            value = getattr(self, name)
            demand(value > 0, f"--{name} {value}", "at least 1")
        for name in ("workers", "retries"):
            value = getattr(self, name)
            demand(value >= 0, f"--{name} {value}", "0 or more")
        demand(0 <= self.balance <= 1, f"--balance {self.balance}", "0 to 1")
        demand(0 <= self.seed < 2**63, f"--seed {self.seed}", "0 to 2**63 - 1")
        layers, most = self.optimizer.freeze_layers, self.model.freezable_layers
        demand(layers <= most, f"--optimizer.freeze_layers {layers}", f"0 to {most}")


@dataclass(frozen=True)
class TrainConfig(RunConfig):
    """Train a face and expression detector on a VOC folder.

    Writes to --out: best.pth (the epoch with the highest mean recall on the validation split, where
    classes with few faces count less), last.pth, log.jsonl and TensorBoard files. The same command
    resumes an interrupted run and gives the same bytes as an uninterrupted one.
    """

    data: Path = Path("data/voc")
    """VOC folder with train and val splits, plain or balanced."""
    init: Path | None = AUTO
    """Pretrained weights: a best.pth or a .safetensors file; auto takes the best one in weights/
    that fits the model (for VGG16 VGG-Face, see make weights), and none starts at random."""

    def __post_init__(self) -> None:
        super().__post_init__()
        demand_init(self.optimizer, self.init)


def demand_init(optimizer: OptimizerConfig, init: Path | None) -> None:
    """Raise ConfigError where random weights would be frozen."""
    if optimizer.freeze_layers and init in (None, NONE):
        raise ConfigError(
            f"--optimizer.freeze_layers {optimizer.freeze_layers} with --init none",
            "pretrained weights",
            "leave --init out, or add --optimizer.freeze_layers 0",
        )
