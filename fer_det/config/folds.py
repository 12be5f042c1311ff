"""Settings of the command that trains and scores all folds of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fer_det.config.model import demand

FoldProtocol = Literal["ten_folds", "leave_one_out"]


@dataclass(frozen=True)
class FoldsConfig:
    """Train and score all folds of a small data set, of which no two share a person.

    Flags after -- go to the training command: fer-det folds --data data/ckplus -- --epochs 40. The
    folder is built without a test split, for example from JAFFE, CK+, Oulu-CASIA or MMI. For each
    fold the model is chosen on persons of the training folds, never on those of the test. The same
    command goes on with the folds that are not done.
    """

    data: Path = Path("data/voc")
    """VOC folder, not balanced, of data sets that name the person of each picture."""
    out: Path = Path("runs/folds")
    """Folder to write: folds.json with all figures, and a folder with model and scores a fold."""
    protocol: FoldProtocol = "ten_folds"
    """ten_folds: persons in the order of their names are dealt to ten folds in turn, or as the data
    set's reader dealt them; leave_one_out: each person is a fold."""
    trainer: Literal["classifier", "detector"] = "classifier"
    """What is trained: a classifier of given face boxes (train-classifier), or a detector (train)
    that finds the faces itself."""
    val_fraction: float = 0.1
    """Share of a fold's other persons that are its validation split, at least one person."""
    resamples: int = 2000
    """Bootstrap resamples of the persons behind each confidence interval."""
    overwrite: bool = False
    """Replace folds that were trained with other settings or on other data."""

    def __post_init__(self) -> None:
        demand(0 < self.val_fraction < 1, f"--val_fraction {self.val_fraction}", "between 0 and 1")
        demand(self.resamples > 0, f"--resamples {self.resamples}", "at least 1")
