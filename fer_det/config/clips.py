"""Settings of the command that scores clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fer_det.config.folds import FoldProtocol
from fer_det.config.model import Precision, demand


@dataclass(frozen=True)
class ClipsConfig:
    """Score ways to tell the expression of a clip from its frames: mean, maximum, the most intense
    frames, attention pooling, a recurrent network.

    The model sees each frame with its face's box given. Attention, the recurrent network and the
    intensity of frames are trained on the clips of the other folds: on the model's answers, or
    together with the model (--joint). The VOC folder keeps clip and frame of each picture in its
    manifest, as those of CK+, MMI, Oulu-CASIA or DFEW do.
    """

    weights: Path
    """Model file; a bare name that is not in this folder is searched in the newest run of runs/."""
    data: Path = Path("data/voc")
    """VOC folder, not balanced; all its image sets are used."""
    out: Path | None = None
    """JSON file to write with all figures; none by default."""
    protocol: FoldProtocol = "ten_folds"
    """ten_folds: persons are dealt to ten folds; leave_one_out: each person is a fold."""
    top: int = 3
    """Number of most intense frames that are averaged; intensity is 1 - p(neutral)."""
    peaks: bool = False
    """The clips go from neutral to their peak, as CK+'s do: also train the intensity of frames, and
    score whether the last frame is the most intense one."""
    epochs: int = 200
    """Steps of training on the model's answers, each over all clips."""
    joint: bool = False
    """After that, fine-tune the model, a classifier, together with what is trained on its answers,
    once for each fold."""
    joint_epochs: int = 3
    """Passes over the clips with --joint, eight clips a step."""
    learning_rate: float = 0.0002
    """Highest learning rate of the model with --joint; of what is trained on its answers ten times
    as much."""
    seed: int = 0
    """Of the training and the intervals."""
    resamples: int = 2000
    """Bootstrap resamples of the clips behind each confidence interval."""
    batch_size: int = 32
    """Pictures at a time."""
    workers: int = 2
    """Processes that load pictures; 0 loads them in this process."""
    precision: Precision = "auto"
    """Number format of the network; auto takes bfloat16 where the processor computes it fast."""
    device: str = "auto"
    """Device: cpu, cuda, cuda:1, ...; auto takes a GPU if there is one."""
    overwrite: bool = False
    """Replace --out if it exists."""

    def __post_init__(self) -> None:
        for name in ("top", "epochs", "joint_epochs", "learning_rate", "resamples", "batch_size"):
            demand(getattr(self, name) > 0, f"--{name} {getattr(self, name)}", "more than 0")
        demand(self.workers >= 0, f"--workers {self.workers}", "0 or more")
