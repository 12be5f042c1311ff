"""The settings of the command that trains a classifier: fields, defaults and --help."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fer_det.config.training import Colour, ModelConfig, RunConfig, demand, demand_init

CLASSIFIER_MODEL = "vgg16_classifier"
"""The name, in a checkpoint, of the network that names the expression in a given box."""


@dataclass(frozen=True)
class ClassifierConfig:
    """The network."""

    input_size: int = 224
    """Side of the square that a face and its margin are scaled into; a multiple of 16."""
    head_width: int = 4096
    """Width of fc6 and fc7; VGG-Face's is 4096, and 512 is enough without it."""
    batch_norm: bool = True
    """Batch normalisation in the backbone while training; best.pth holds plain VGG16, folded."""
    dropout: float = 0.5
    """Part of fc6's and fc7's activations left out in training."""
    face_margin: float = 0.2
    """How much is seen on each side of a face's box, as a part of its larger side."""
    image_mean: Colour = (0.5, 0.5, 0.5)
    """Subtracted from red, green and blue in 0..1; weights of others bring their own."""
    image_std: Colour = (0.25, 0.25, 0.25)
    """What red, green and blue are divided by afterwards."""

    def __post_init__(self) -> None:
        self.as_model()

    def as_model(self) -> ModelConfig:
        """The same settings under the names that a checkpoint keeps; ConfigError if they clash."""
        return ModelConfig(name=CLASSIFIER_MODEL, **vars(self))


@dataclass(frozen=True)
class TrainClassifierConfig(RunConfig):
    """Train VGG16 to name the expressions of the labelled faces of a VOC folder.

    Each face is cut out with its margin and read in its own box, by the layers that a detector
    reads boxes with: tools/train_frcnn.py --init takes backbone, fc6 and fc7 from best.pth. Writes
    best.pth (by mean recall on the validation split, in which classes of few faces there
    have little say), last.pth, log.jsonl and TensorBoard files to --out. The same command typed
    again goes on where the run stopped, to the same bytes.
    """

    data: Path = Path("data/voc")
    """VOC folder with train and val splits, plain or balanced."""
    init: Path | None = None
    """Weights to start from: a weights file (.safetensors) or a best.pth; none by default."""
    out: Path | None = None
    """Folder of the run; by default runs/classifier-001, ..., and the newest goes on if it can."""
    loss: str = "softmax"
    """What is learnt from: softmax alone, or with centre or locality beside it."""
    loss_weight: float = 0.003
    """Weight of the centre or locality loss; both papers' own."""
    centre_rate: float = 0.5
    """How far a step moves the centres of the classes towards the faces that it saw, 0 to 1."""
    neighbours: int = 20
    """How many faces of the same class and step the locality loss pulls a face towards."""
    model: ClassifierConfig = field(default_factory=ClassifierConfig)
    """The network."""

    def __post_init__(self) -> None:
        super().__post_init__()
        demand(self.loss_weight >= 0, f"--loss_weight {self.loss_weight}", "0 or more")
        demand(0 <= self.centre_rate <= 1, f"--centre_rate {self.centre_rate}", "0 to 1")
        demand(self.neighbours > 0, f"--neighbours {self.neighbours}", "at least 1")
        demand_init(self.optimizer, self.init)
