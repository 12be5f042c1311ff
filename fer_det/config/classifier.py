"""Settings of the command that trains a classifier."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fer_det.config.model import ClassifierModelConfig, demand
from fer_det.config.training import AUTO, RunConfig, demand_init


@dataclass(frozen=True)
class TrainClassifierConfig(RunConfig):
    """Train a classifier of expressions on the labelled faces of a VOC folder.

    Each face is cropped with a margin and classified from its own box, by the layers that a
    detector on the same backbone has: its training takes them from best.pth with --init. Writes to
    --out: best.pth (the epoch with the highest mean recall on the validation split, where classes
    with few faces count less), last.pth, log.jsonl and TensorBoard files. The same command resumes
    an interrupted run and gives the same bytes as an uninterrupted one.
    """

    model: ClassifierModelConfig = field(kw_only=True)
    """The network and its settings; --model.name selects it, and with it the other flags."""
    data: Path = Path("data/voc")
    """VOC folder with train and val splits, plain or balanced."""
    init: Path | None = AUTO
    """Pretrained weights: a best.pth or a .safetensors file; auto takes the best one in weights/
    that fits the model (for VGG16 VGG-Face, see make weights), and none starts at random."""
    loss: str = "softmax"
    """Loss: softmax, or softmax plus a loss of the features: centre, locality or
    affinity."""
    labels: Literal["soft", "hard", "sampled"] = "soft"
    """Target of a face with several annotators: soft, the shares of their votes; hard, the most
    voted class; sampled, a class sampled from the votes each time the face is seen."""
    label_smoothing: float = 0.0
    """Part of each target that is spread evenly over all classes."""
    mixup: float = 0.0
    """Blend each face and its target with those of another face; the share is drawn from a beta
    distribution with this parameter; 0 for none."""
    loss_weight: float = 0.003
    """Weight of the loss of the features: .003 as in the papers of centre and locality loss, 1 as
    in that of the affinity loss."""
    centre_rate: float = 0.5
    """Part of the way, 0 to 1, that a step moves class centres towards the batch's features."""
    neighbours: int = 20
    """Nearest faces of the same class in a batch that the locality loss uses."""

    def __post_init__(self) -> None:
        super().__post_init__()
        demand(
            0 <= self.label_smoothing < 1,
            f"--label_smoothing {self.label_smoothing}",
            "0 <= label_smoothing < 1",
        )
        demand(self.mixup >= 0, f"--mixup {self.mixup}", "0 or more")
        demand(self.loss_weight >= 0, f"--loss_weight {self.loss_weight}", "0 or more")
        demand(0 <= self.centre_rate <= 1, f"--centre_rate {self.centre_rate}", "0 to 1")
        demand(self.neighbours > 0, f"--neighbours {self.neighbours}", "at least 1")
        demand_init(self.optimizer, self.init)
