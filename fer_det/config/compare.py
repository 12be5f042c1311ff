"""Flags of the command compare. See fer_det.config.training."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fer_det.config.model import demand, demand_file


@dataclass(frozen=True)
class CompareConfig:
    """Compare two or more runs that were scored on the same faces, each with the first run.

    Prints the scores of all runs and the differences from the first run: McNemar's exact test for
    accuracy, and paired bootstrap intervals for accuracy, mean recall and the recall of each class.
    """

    scores: tuple[str, ...] = field(metadata={"positional": "SCORES"})
    """Two or more files scores.json, as the scoring command writes them."""
    rule: Literal["auto", "top1", "matched", "gt_box"] = "auto"
    """Rule that chooses the prediction for a face (see docs/protocol.md). auto: the primary rule,
    or gt_box where a detector is compared with a classifier."""
    resamples: int = 2000
    """Number of bootstrap resamples for the intervals of differences."""
    report: Path | None = None
    """HTML file to write; none by default."""

    def __post_init__(self) -> None:
        files = f"{len(self.scores)} scores.json"
        demand(len(self.scores) > 1, files, "two or more")
        demand(self.resamples > 0, f"--resamples {self.resamples}", "at least 1")
        demand_file("--report", self.report)
