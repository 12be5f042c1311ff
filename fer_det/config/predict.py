"""Every setting of the command that predicts, with its default and its help."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fer_det.config.model import demand
from fer_det.config.training import Precision
from fer_det.errors import ConfigError

PICTURE_SUFFIXES = frozenset(
    (".bmp", ".jfif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
"""What is looked at in a folder; a file that is named itself may have any name."""
VIDEO_SUFFIXES = frozenset(
    (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".webm", ".wmv")
)


@dataclass(frozen=True)
class PredictConfig:
    """Find the faces of pictures and videos, say their expressions and draw them.

    Sources are named together, before or after the flags. Writes the drawn pictures and videos, and
    predictions.jsonl and predictions.csv with box, score and probabilities of each face, to --out.
    Exit code 0: all was read; 1: a file was not, and is listed; 2: nothing was done.
    """

    sources: tuple[str, ...] = field(metadata={"positional": "SOURCE"})
    """Pictures, videos, folders, quoted patterns such as 'a/*.jpg', a camera's number, or - to read
    paths from the standard input."""
    weights: Path = Path("best.pth")
    """Checkpoint; a bare file name that is not here is looked for in the newest run of runs/."""
    out: Path | None = None
    """Folder for all that is written; by default runs/predict-001, -002, ..."""
    min_score: float = 0.5
    """Faces that are less probable than this are left out."""
    draw: bool = True
    """Write drawn pictures and videos too; false writes the tables alone."""
    smoothing: float = 0.5
    """In videos, seconds over which a face's probabilities are averaged; 0 for none."""
    seconds: float | None = None
    """Look at so many seconds of each video or camera; a camera goes on until Ctrl-C otherwise."""
    show: Literal["auto", "always", "never"] = "auto"
    """Whether videos are shown in a window; auto shows cameras where there is a screen."""
    batch_size: int = 16
    """Pictures that the network is shown at a time."""
    precision: Precision = "auto"
    """Arithmetic of the network; auto takes bfloat16 where the processor is fast at it."""
    device: str = "auto"
    """cpu, cuda, cuda:1, ...; auto takes a GPU where there is one."""
    overwrite: bool = False
    """Replace files of those names in --out; what is looked at is never replaced."""

    def __post_init__(self) -> None:
        demand(0 <= self.min_score <= 1, f"--min_score {self.min_score}", "0 to 1")
        demand(self.smoothing >= 0, f"--smoothing {self.smoothing}", "0 seconds or more")
        demand(self.batch_size > 0, f"--batch_size {self.batch_size}", "at least 1")
        if self.seconds is not None:
            demand(self.seconds > 0, f"--seconds {self.seconds}", "more than 0")
        if self.out is not None and not self.out.is_dir():
            named_as_file = self.out.suffix.lower() in PICTURE_SUFFIXES | VIDEO_SUFFIXES
            if named_as_file or self.out.is_file():
                raise ConfigError(
                    f"--out {self.out}, a file",
                    "a folder",
                    f"name the folder: --out {self.out.with_suffix('')}",
                )
