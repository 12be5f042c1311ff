"""Settings of the command that trains a backbone on synthetic faces."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fer_det.config.model import demand
from fer_det.config.training import RunConfig


@dataclass(frozen=True)
class FaceAttributesLossConfig:
    """Weights of the losses beside the expression's, whose weight is 1."""

    label_smoothing: float = 0.1
    """Part of each label that is spread over all expressions."""
    units: float = 1.0
    """Weight of the loss of the facial action units."""
    attributes: float = 0.3
    """Weight of the loss of age, sex, ancestry and weight."""
    pose: float = 0.3
    """Weight of the loss of yaw, pitch and roll."""

    def __post_init__(self) -> None:
        smoothing = self.label_smoothing
        demand(0 <= smoothing < 1, f"--losses.label_smoothing {smoothing}", "0 <= part < 1")
        for name in ("units", "attributes", "pose"):
            value = getattr(self, name)
            demand(value >= 0, f"--losses.{name} {value}", "0 or more")


@dataclass(frozen=True)
class TrainBackboneConfig(RunConfig):
    """Train a backbone on synthetic faces and write it as one weights file.

    The backbone learns each face's expression, action units, identity and pose; its batch norm is
    folded in the file. Writes last.pth, log.jsonl and TensorBoard files to --out and, after the
    last epoch, the weights file to --export. The same command resumes an interrupted run and gives
    the same bytes as an uninterrupted one.
    """

    faces: Path = Path("data/made")
    """Folder of synthetic faces, as make-faces writes it."""
    export: Path = Path("weights/vgg16_made_faces.safetensors")
    """Weights file to write."""
    epochs: int = 10
    """Passes over the training split."""
    batch_size: int = 32
    """Pictures a step, in all processes together."""
    losses: FaceAttributesLossConfig = field(default_factory=FaceAttributesLossConfig)
    """Weights of the losses."""

    def __post_init__(self) -> None:
        super().__post_init__()
        layers = self.optimizer.freeze_layers
        demand(not layers, f"--optimizer.freeze_layers {layers}", "0")
