"""Every setting of the command that makes a detector's head thin, with its default and its help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fer_det.config.training import demand


@dataclass(frozen=True)
class TruncateHeadConfig:
    """Make a smaller and faster checkpoint, whose fc6 and fc7 are two thin layers each.

    Their largest singular values stay. Score the new checkpoint with eval_rafdb.py to see what it
    lost.
    """

    weights: Path
    """Checkpoint; a bare file name that is not here is looked for in the newest run of runs/."""
    out: Path
    """Checkpoint to write."""
    rank: int = 128
    """Singular values that stay; less than fc6's and fc7's width."""
    overwrite: bool = False
    """Replace --out if it is there."""

    def __post_init__(self) -> None:
        demand(self.rank > 0, f"--rank {self.rank}", "at least 1")
