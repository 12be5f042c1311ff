"""The settings of the command that trains a trunk: fields, defaults and --help."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fer_det.config import Colour, ModelConfig, RunConfig, demand

TRUNK_MODEL = "face_attributes"
"""The name, in a checkpoint, of the network that a trunk is trained in; it is no detector."""


@dataclass(frozen=True)
class TrunkConfig:
    """The network that a trunk is trained in."""

    input_size: int = 96
    """Side of the square that a face is scaled into, in pixels; a multiple of 16."""
    dropout: float = 0.3
    """Part of the pooled features left out in training."""
    image_mean: Colour = (0.5, 0.5, 0.5)
    """Subtracted from red, green and blue in 0..1; the exported file carries it."""
    image_std: Colour = (0.25, 0.25, 0.25)
    """What red, green and blue are divided by afterwards; the exported file carries it."""

    def __post_init__(self) -> None:
        self.as_model()

    def as_model(self) -> ModelConfig:
        """The same settings under the names that a checkpoint keeps; ConfigError if they clash."""
        return ModelConfig(
            name=TRUNK_MODEL,
            input_size=self.input_size,
            dropout=self.dropout,
            image_mean=self.image_mean,
            image_std=self.image_std,
        )


@dataclass(frozen=True)
class TrunkLossConfig:
    """What a trunk is trained for besides the expression, whose loss weighs 1."""

    label_smoothing: float = 0.1
    """Part of a label that is spread over all expressions."""
    units: float = 1.0
    """Weight of the action units' loss."""
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
class TrainTrunkConfig(RunConfig):
    """Train VGG16's trunk on made faces and write it as one weights file.

    The trunk learns each face's expression, action units, identity and pose, with batch
    normalisation that is folded away in the file. Writes last.pth, log.jsonl and TensorBoard files
    to --out and, after the last epoch, the weights file to --export. The same command typed again
    goes on where the run stopped, to the same bytes.
    """

    faces: Path = Path("data/made")
    """Folder of made faces, as tools/make_faces.py writes it."""
    export: Path = Path("weights/vgg16_made_faces.safetensors")
    """The weights file to write."""
    out: Path | None = None
    """Folder of the run; by default runs/trunk-001, -002, ..., and the newest goes on if it can."""
    epochs: int = 10
    """Passes over the training split."""
    batch_size: int = 32
    """Pictures a step, over all processes together."""
    model: TrunkConfig = field(default_factory=TrunkConfig)
    """The network."""
    losses: TrunkLossConfig = field(default_factory=TrunkLossConfig)
    """What is learnt."""

    def __post_init__(self) -> None:
        super().__post_init__()
        demand(not self.optimizer.frozen, f"--optimizer.frozen {self.optimizer.frozen}", "0")
