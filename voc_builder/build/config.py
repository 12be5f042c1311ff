"""The settings of a build: which data sets, how they are read, what is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fer_det.config.engine import EngineOptions
from fer_det.core.sample import MADE_RECORD
from fer_det.errors import ConfigError

BoxChoice = Literal["mtcnn", "official", "whole"]


@dataclass(frozen=True)
class BuildConfig(EngineOptions):
    """Turn raw data sets into one Pascal VOC folder of face boxes with expression labels.

    Give one or more data sets. A build that was killed goes on where it was when the same command
    is given again.
    """

    out: Path = Path("data/voc")
    """Folder to write: VOCdevkit/VOC2007, manifest.jsonl, summary.txt, summary.json and a sheet."""
    boxes: BoxChoice | None = None
    """Which box a labelled face gets. mtcnn: the box of the MTCNN face at the data set's own box
    or points. official: the data set's own box. whole: as mtcnn, but a face that the data set has
    already cut out is the whole picture and no detector is run on it (fast). null: what suits the
    data set (whole for the crops of 48 pixels of FER2013, FERPlus and TFD, official for imported
    VOC, COCO and YOLO folders, else mtcnn)."""
    val_fraction: float = 0.1
    """Share of each class's training pictures for the validation split, whole groups (subjects) if
    known. Not used for a data set with a validation split of its own."""
    seed: int = 0
    """Seed of the choice of the validation split."""
    workers: int | None = None
    """Worker processes; null: one a core, 0 or 1: everything in the main process. With --engine ray
    the number of tasks at a time; null: what keeps all cores of the cluster busy."""
    coarse_first: bool = False
    """Search only for the largest face, which is faster; fewer other faces are then marked as
    ignore."""
    allow_missing: bool = False
    """End with success although pictures that a data set lists are absent."""
    overwrite: bool = False
    """Replace a build of other settings or other data; one of the same is continued."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.val_fraction < 1:
            raise ConfigError(
                f"val_fraction {self.val_fraction}", "a share from 0 up to 1", "try 0.1"
            )
        if self.workers is not None and self.workers < 0:
            raise ConfigError(f"workers {self.workers}", "0 or more", "leave it out")


@dataclass(frozen=True)
class Source:
    """A raw data set: its reader's name, its folder, and how to read it."""

    name: str
    root: Path
    options: Any
    """The reader's Options."""

    @property
    def made(self) -> bool:
        """Whether make_faces rendered the pictures: its record is in the folder or the parent."""
        resolved = self.root.resolve()
        return any((folder / MADE_RECORD).is_file() for folder in (resolved, resolved.parent))
