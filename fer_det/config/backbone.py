"""The settings of the command that trains a backbone: fields, defaults and --help."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fer_det.config.training import Colour, ModelConfig, RunConfig, demand

FACE_ATTRIBUTES_MODEL = "face_attributes"
"""The name, in a checkpoint, of the network that a backbone is trained in; it is no detector."""


@dataclass(frozen=True)
class FaceAttributesConfig:
    """The network that a backbone is trained in."""

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
            name=FACE_ATTRIBUTES_MODEL,
            input_size=self.input_size,
            dropout=self.dropout,
            image_mean=self.image_mean,
            image_std=self.image_std,
        )


@dataclass(frozen=True)
class FaceAttributesLossConfig:
    """What a backbone is trained for besides the expression, whose loss weighs 1."""

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
class TrainBackboneConfig(RunConfig):
    """Train VGG16's backbone on made faces and write it as one weights file.

    The backbone learns each face's expression, action units, identity and pose, with batch
    normalisation that is folded away in the file. Writes last.pth, log.jsonl and TensorBoard files
    to --out and, after the last epoch, the weights file to --export. The same command typed again
    goes on where the run stopped, to the same bytes.
    """

    faces: Path = Path("data/made")
    """Folder of made faces, as tools/make_faces.py writes it."""
    export: Path = Path("weights/vgg16_made_faces.safetensors")
    """The weights file to write."""
    out: Path | None = None
    """Folder of the run; by default runs/backbone-001, -002, ..., and the newest goes on if it can."""
    epochs: int = 10
    """Passes over the training split."""
    batch_size: int = 32
    """Pictures a step, over all processes together."""
    model: FaceAttributesConfig = field(default_factory=FaceAttributesConfig)
    """The network."""
    losses: FaceAttributesLossConfig = field(default_factory=FaceAttributesLossConfig)
    """What is learnt."""

    def __post_init__(self) -> None:
        super().__post_init__()
        demand(
            not self.optimizer.freeze_layers,
            f"--optimizer.freeze_layers {self.optimizer.freeze_layers}",
            "0",
        )
