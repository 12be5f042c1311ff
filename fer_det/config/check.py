"""Every setting of the command that checks a VOC folder, with its default and its help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fer_det.config.model import demand


@dataclass(frozen=True)
class CheckConfig:
    """Look through a VOC folder for all that would spoil a training or its scores.

    Every defect is a line that names its file, and a folder that has one is refused with exit code
    2. Nothing in the folder is changed.
    """

    data: Path = Path("data/voc")
    """The VOC folder, as tools/build_voc.py or tools/balance_voc.py writes it."""
    same: int = 24
    """Pictures of two splits are one and the same where at most so many of their 512 bits of
    likeness differ; the folder is refused."""
    alike: int = 90
    """Up to so many bits the two are shown as a warning; frames of one shot are this near."""
    strict: bool = False
    """Refuse the folder for a warning too."""
    threads: int | None = None
    """Pictures that are decoded at a time; one for each core by default."""

    def __post_init__(self) -> None:
        demand(0 <= self.same <= 512, f"--same {self.same}", "bits from 0 to 512")
        demand(
            self.same <= self.alike <= 512,
            f"--alike {self.alike}",
            f"bits from --same ({self.same}) to 512",
        )
        demand(
            self.threads is None or self.threads > 0, f"--threads {self.threads}", "a number from 1"
        )
