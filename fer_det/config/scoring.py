"""Settings of the commands that use a trained model: eval, calibrate, truncate_head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fer_det.config.model import Precision, demand, demand_file

CropViews = Literal["one", "flip", "ten"]
Leaks = Literal["compare", "drop", "skip"]


@dataclass(frozen=True)
class EvalConfig:
    """Score a model on a split of a VOC folder by accuracy, recalls and average precision.

    Under the same protocol other projects' models (ONNX files and state dicts, with --adapter) and
    other programs' predictions (--predictions) are scored.
    """

    weights: Path | None = None
    """Model file; a bare name that is not in this folder is searched in the newest run of runs/."""
    predictions: Path | None = None
    """CSV table of another program's predictions to score instead, or predictions.csv of fer-det
    predict; faces without an answer count as errors (docs/other_models.md)."""
    adapter: Path | None = None
    """YAML file that says how another project's classifier is fed and what its answers mean, or the
    name of one that comes with fer_det; an ONNX file of fer-det export needs none."""
    data: Path | None = None
    """VOC folder; by default the one that the model was trained on."""
    split: str = "test"
    """Image set to score."""
    out: Path | None = None
    """Folder for scores.json; by default that of the model file or of the table."""
    overwrite: bool = False
    """Replace a scores.json of other faces, or of another view, face size or label map; that of the
    same is always replaced."""
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
    leaks: Leaks = "compare"
    """What is done about persons, clips and pictures that are also in the training data. compare:
    search other folders than the scored one, and say what they share; drop: search that one too,
    and leave the pictures that share something out; skip: say that nothing was compared."""
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
        given = [name for name in ("weights", "predictions") if getattr(self, name) is not None]
        demand(
            len(given) == 1,
            f"{' and '.join(f'--{name}' for name in given) or 'no --weights'}",
            "either --weights with a model, or --predictions with a table",
        )
        demand(
            self.adapter is None or self.weights is not None,
            f"--adapter {self.adapter} without --weights",
            "the model's file as well",
        )
        plain = self.views == "one" and self.face_size is None and not self.masked
        demand(
            plain or self.predictions is None,
            "--views, --face_size or --masked with --predictions",
            "a classifier's --weights, since a table holds what it holds",
        )
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
