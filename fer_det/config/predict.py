"""The flags of `fer-det predict`: fields, defaults and help."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fer_det.config.model import Precision, demand
from fer_det.errors import ConfigError

_PICTURES = (
    "avif bmp dib gif heic heif hif j2k jfif jp2 jpe jpeg jpf jpg jpx jxl mpo pbm pgm png pnm ppm "
    "tif tiff webp"
)
_VIDEOS = "3g2 3gp asf avi f4v flv m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv ts vob webm wmv"
PICTURE_SUFFIXES = frozenset(f".{name}" for name in _PICTURES.split())
VIDEO_SUFFIXES = frozenset(f".{name}" for name in _VIDEOS.split())
"""Files in folders that are reported even if their content is not recognised."""


@dataclass(frozen=True)
class PredictConfig:
    """Find the faces in pictures and videos, predict their expressions and draw them.

    Sources are given together, before or after the flags. Writes the drawn pictures and videos, and
    predictions.jsonl and predictions.csv with box, score and probabilities of each face, to --out.
    Exit code 0: all files were read and written; 1: some were not, and are listed; 2: nothing was
    done.
    """

    sources: tuple[str, ...] = field(metadata={"positional": "SOURCE"})
    """Pictures, videos, folders, quoted patterns such as 'a/*.jpg', a camera's number, or - to read
    paths from the standard input."""
    weights: Path = Path("best.pth")
    """Detector checkpoint; a bare file name that is not here is searched below runs/."""
    out: Path | None = None
    """Output folder; by default a new one: runs/predict-001, -002, ..."""
    min_score: float = 0.5
    """Smallest score, 0 to 1, of the faces that are reported."""
    draw: bool = True
    """Write drawn pictures and videos; false writes only the tables."""
    smoothing: float = 0.5
    """Time constant, in seconds, of the average over a face's probabilities in videos; 0: none."""
    seconds: float | None = None
    """Read only this many seconds of each video or camera; a camera otherwise runs until Ctrl-C."""
    show: Literal["auto", "always", "never"] = "auto"
    """Show videos in a window while they are read; auto: cameras only, if there is a screen."""
    batch_size: int = 16
    """Largest number of pictures or frames in a batch; large pictures make smaller batches."""
    precision: Precision = "auto"
    """Number format of the network; auto uses bfloat16 where the processor is fast at it."""
    device: str = "auto"
    """cpu, cuda, cuda:1, ...; auto uses a GPU if there is one."""
    overwrite: bool = False
    """Replace files in --out that have the names of outputs; a source is never replaced."""

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
