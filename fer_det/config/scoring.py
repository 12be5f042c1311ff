"""Settings of the commands that use a trained model: eval, calibrate, compare, truncate_head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fer_det.config.model import Precision, demand, demand_file

CropViews = Literal["one", "flip", "ten"]


@dataclass(frozen=True)
class EvalConfig:
    """Score a model on a split of a VOC folder by accuracy, recalls and average precision."""

    weights: Path
    """Model file; a bare name that is not in this folder is searched in the newest run of runs/."""
    data: Path | None = None
    """VOC folder; by default the one that the model was trained on."""
    split: str = "test"
    """Image set to score."""
    out: Path | None = None
    """Folder for scores.json; by default that of the model file."""
    overwrite: bool = False
    """Replace a scores.json of another split or data set; that of the same is always replaced."""
    views: CropViews = "one"
    """Views of each face that a classifier's probabilities are averaged over: one, the crop; flip,
    also its mirror image; ten, four corners and the centre with theirs."""
    face_size: int | None = None
    """Shrink larger faces to this size in pixels (longer side of the box) before a classifier sees
    them, to measure how it does on small ones."""
    masked: bool = False
    """Score the same faces a second time with face masks drawn over them, into scores_masked.json,
    and print both side by side."""
    label_map: Literal["none", "three", "seven", "compound"] = "none"
    """How the model's classes are joined before scoring. three: positive (happiness, surprise),
    negative (fear, disgust, sadness, anger) and neutral, the classes of LFW-FER; seven: contempt
    is left out; compound: the eleven compounds of RAF-DB, each with the sum of the probabilities of
    its two expressions."""
    leaks: Literal["compare", "skip"] = "compare"
    """What is done before a model is scored on other data than its own. compare: search both for
    the same persons, clips and pictures, and say what they share; skip: say that nothing was
    compared."""
    subset: tuple[str, ...] = ()
    """Classes of which an additional mean recall is printed, for instance those with many faces."""
    batch_size: int = 32
    """Pictures at a time."""
    precision: Precision = "auto"
    """Number format of the network; auto takes bfloat16 where the processor computes it fast."""
    device: str = "auto"
    """Device: cpu, cuda, cuda:1, ...; auto takes a GPU if there is one."""
    workers: int = 2
    """Processes that load pictures; 0 loads them in this process."""
    resamples: int = 2000
    """Bootstrap resamples behind each confidence interval."""
    report: Path | None = None
    """HTML report to write as well, with all figures and some faces; none by default."""
    hide_faces: bool = False
    """Write the report without pictures, for readers who may not see or share them."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "resamples"):
            value = getattr(self, name)
            demand(value > 0, f"--{name} {value}", "at least 1")
        demand(self.workers >= 0, f"--workers {self.workers}", "0 or more")
        positive = self.face_size is None or self.face_size > 0
        demand(positive, f"--face_size {self.face_size}", "at least 1")
        hides = self.report is not None or not self.hide_faces
        demand(hides, "--hide_faces without --report", "a report that could show some")
        demand_file("--report", self.report)


@dataclass(frozen=True)
class CalibrateConfig:
    """Fit a model's temperature on the validation split, so that its probabilities are calibrated.

    Training does this itself; this command is for other data and for older model files. The most
    probable expression of a face stays the same, only the probabilities change.
    """

    weights: Path
    """Model file; a bare name that is not in this folder is searched in the newest run of runs/."""
    out: Path | None = None
    """Model file to write; by default <name>_calibrated.pth in the same folder."""
    overwrite: bool = False
    """Replace --out if it exists."""
    data: Path | None = None
    """VOC folder with a val split; by default the one that the model was trained on."""
    unknown_error: float | None = None
    """Also fit the probability below which predict calls a face unknown: the part of the answered
    validation faces that may be wrong, such as 0.1; at least half of them stay answered."""
    batch_size: int = 32
    """Pictures at a time."""
    precision: Precision = "auto"
    """Number format of the network; auto takes bfloat16 where the processor computes it fast."""
    device: str = "auto"
    """Device: cpu, cuda, cuda:1, ...; auto takes a GPU if there is one."""
    workers: int = 2
    """Processes that load pictures; 0 loads them in this process."""

    def __post_init__(self) -> None:
        demand(self.batch_size > 0, f"--batch_size {self.batch_size}", "at least 1")
        demand(self.workers >= 0, f"--workers {self.workers}", "0 or more")
        part = self.unknown_error is None or 0 <= self.unknown_error < 1
        demand(part, f"--unknown_error {self.unknown_error}", "0 <= unknown_error < 1")


@dataclass(frozen=True)
class CompareConfig:
    """Compare two or more runs that were scored on the same faces: compare.py a.json b.json

    Each run is compared with the first one, face by face: McNemar's exact test for accuracy, a
    paired bootstrap for mean recalls.
    """

    scores: tuple[Path, ...]
    """Files scores.json, at least two; the flag's name may be left out."""
    rule: Literal["auto", "top1", "matched", "gt_box"] = "auto"
    """Rule that assigns a box to each face; auto takes the primary one, or one that all have."""
    resamples: int = 2000
    """Bootstrap resamples behind each interval of a difference."""
    report: Path | None = None
    """HTML report to write as well; none by default."""

    def __post_init__(self) -> None:
        demand(len(self.scores) > 1, f"--scores with {len(self.scores)} of them", "two or more")
        demand(self.resamples > 0, f"--resamples {self.resamples}", "at least 1")
        demand_file("--report", self.report)


@dataclass(frozen=True)
class TruncateHeadConfig:
    """Write a smaller and faster model file, whose wide head layers are replaced by low-rank ones.

    The largest singular values of each layer are kept. Score the new file to see the loss.
    """

    weights: Path
    """Model file; a bare name that is not in this folder is searched in the newest run of runs/."""
    out: Path
    """Model file to write."""
    rank: int = 128
    """Singular values to keep; less than the width of the layers."""
    overwrite: bool = False
    """Replace --out if it exists."""

    def __post_init__(self) -> None:
        demand(self.rank > 0, f"--rank {self.rank}", "at least 1")
