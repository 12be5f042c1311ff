"""The settings of the balancer."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fer_det.errors import ConfigError
from fer_det.imaging.jitter import JitterRanges

Target = Literal["largest", "median"] | int


@dataclass(frozen=True)
class BalanceConfig:
    """Up-sample the training split of a VOC folder with jittered copies, into a new VOC folder.

    Validation and test pictures are copied as they are, and no original is left out.
    """

    data: Path = Path("data/voc")
    """The VOC folder to balance, as build-voc writes it; it is only read."""
    out: Path = Path("data/voc_balanced")
    """The folder to write; a command that was interrupted continues where it stopped."""
    target: Target = "largest"
    """Training pictures that each class should reach: those of the largest class, the median of
    the classes, or a number. A class that has more keeps them all."""
    seed: int = 0
    """Seed of the random jitter."""
    workers: int | None = None
    """Worker processes; null: one a core, 0: everything in the main process. The files are the same
    with any number."""
    jitter: JitterRanges = field(default_factory=JitterRanges)
    overwrite: bool = False
    """Replace a balanced folder that was made with other settings."""

    def __post_init__(self) -> None:
        if isinstance(self.target, int) and self.target < 1:
            raise ConfigError(
                f"--target {self.target}", "largest, median or a number from 1", "change it"
            )
        if self.workers is not None and self.workers < 0:
            raise ConfigError(f"--workers {self.workers}", "a number from 0", "change it")
