"""Settings of the command make_faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fer_det.errors import ConfigError

MIN_IMAGES = 14
"""Each of seven classes once in both splits."""
MIN_SEQUENCES = 7
"""Each of seven classes once."""


@dataclass(frozen=True)
class MakeConfig:
    """Render synthetic faces with expressions in the folder layouts of RAF-DB and CK+.

    The faces show no real persons. An interrupted run continues when the same command is given
    again; existing files are kept.
    """

    out: Path = Path("data/made")
    """Output folder, with the faces in the layouts of RAF-DB (rafdb) and CK+ (ckplus)."""
    images: int = 1000
    """Number of photos in RAF-DB's layout; a fifth of them is the test split."""
    seed: int = 0
    """Random seed; another seed gives other identities and other pictures."""
    layout: Literal["rafdb", "ckplus", "both"] = "rafdb"
    """Which data set's folder layout to write."""
    sequences: int = 30
    """Number of sequences in CK+'s layout, 10 to 20 frames each."""
    variety: float = 0.5
    """Diversity of the photos: 0 studio portraits to 1 with profiles, masks and hard light."""
    workers: int | None = None
    """Worker processes; null: one for each core, 0 or 1: none, all work is done in the main
    process."""
    overwrite: bool = False
    """Replace faces that were made with other settings."""

    def __post_init__(self) -> None:
        for name, least, reason in (
            ("images", MIN_IMAGES, "one of each class in both splits"),
            ("sequences", MIN_SEQUENCES, "one of each class"),
            ("seed", 0, "a whole number"),
        ):
            if getattr(self, name) < least:
                raise ConfigError(
                    f"{name} {getattr(self, name)}", f"{least} or more: {reason}", "raise it"
                )
        if not 0 <= self.variety <= 1:
            raise ConfigError(f"variety {self.variety}", "a number from 0 to 1", "try 0.5")
        if self.workers is not None and self.workers < 0:
            raise ConfigError(f"workers {self.workers}", "0 or more", "leave it out")
