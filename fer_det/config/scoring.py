"""Flags of the command calibrate. See fer_det.config.training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fer_det.config.training import Precision, demand


@dataclass(frozen=True)
class CalibrateConfig:
    """Fit a checkpoint's temperature on the validation split, so that its probabilities hold.

    Training does this by itself; this is for checkpoints that are older, or used on other data.
    No answer changes, only how sure it sounds.
    """

    weights: Path
    """Checkpoint; a bare file name that is not here is looked for in the newest run of runs/."""
    out: Path | None = None
    """Checkpoint to write; by default <name>_calibrated.pth beside --weights."""
    data: Path | None = None
    """VOC folder with a val split; by default the one that the checkpoint was trained on."""
    batch_size: int = 32
    """Pictures at a time."""
    precision: Precision = "auto"
    """Arithmetic of the network; auto takes bfloat16 where the processor is fast at it."""
    device: str = "auto"
    """cpu, cuda, cuda:1, ...; auto takes a GPU where there is one."""
    workers: int = 2
    """Processes that prepare pictures; 0 for none."""

    def __post_init__(self) -> None:
        demand(self.batch_size > 0, f"--batch_size {self.batch_size}", "at least 1")
        demand(self.workers >= 0, f"--workers {self.workers}", "0 or more")
