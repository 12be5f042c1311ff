"""Flags of the command leaderboard. See fer_det.config.training."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fer_det.config.model import demand, demand_file

SortBy = Literal["accuracy", "mean_recall"]


@dataclass(frozen=True)
class LeaderboardConfig:
    """Rank any number of scored models on the faces that all of them were scored on.

    Each model's figures have 95 % intervals, and each is tested against the first of the list, face
    by face: McNemar's exact test, with Holm's correction for the number of tests.
    """

    scores: tuple[str, ...] = field(metadata={"positional": "SCORES"})
    """Files scores.json of fer-det eval, one or more, such as runs/*/scores.json."""
    sort: SortBy = "accuracy"
    """Figure that decides the order: accuracy or mean_recall."""
    rule: Literal["auto", "top1", "matched", "gt_box"] = "auto"
    """Rule that chooses the prediction for a face (see docs/protocol.md). auto: one that all have,
    or each model's primary rule where there is none."""
    resamples: int = 2000
    """Number of bootstrap resamples behind each interval."""
    csv: Path | None = None
    """Table to write as CSV; none by default."""
    report: Path | None = None
    """HTML file to write; none by default."""

    def __post_init__(self) -> None:
        demand(len(self.scores) > 0, "no scores.json", "one or more")
        demand(self.resamples > 0, f"--resamples {self.resamples}", "at least 1")
        demand_file("--csv", self.csv)
        demand_file("--report", self.report)
