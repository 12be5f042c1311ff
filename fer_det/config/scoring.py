"""Flags of the commands around scoring: calibrate and compare. See fer_det.config.training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fer_det.config.training import Precision, demand, demand_file


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


@dataclass(frozen=True)
class CompareConfig:
    """Compare two or more runs that were scored on the same faces: compare.py a.json b.json

    Each run is held against the first, face by face: McNemar's exact test for accuracy, a paired
    bootstrap for means of recalls.
    """

    scores: tuple[Path, ...]
    """Files scores.json, at least two; the flag's name may be left out."""
    rule: Literal["auto", "top1", "matched", "gt_box"] = "auto"
    """Which box answers; auto takes the primary rule, or the one that all were scored by."""
    resamples: int = 2000
    """Bootstrap resamples behind each interval of a difference."""
    report: Path | None = None
    """HTML file to write as well; none by default."""

    def __post_init__(self) -> None:
        demand(len(self.scores) > 1, f"--scores with {len(self.scores)} of them", "two or more")
        demand(self.resamples > 0, f"--resamples {self.resamples}", "at least 1")
        demand_file("--report", self.report)
