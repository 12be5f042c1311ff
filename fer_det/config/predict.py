"""The flags of `fer-det predict`: fields, defaults and help."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fer_det.config.engine import EngineOptions
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
DEFAULT_MIN_FACE = 20.0
SMALLEST_WINDOW = 12
"""Pixels; MTCNN's first network sees 12 x 12."""
Backend = Literal["auto", "torch", "onnx", "openvino"]


@dataclass(frozen=True)
class FaceOptions:
    """How faces are found, and which of them get an expression."""

    faces: Literal["auto", "model", "mtcnn"] = "auto"
    """Who finds the faces: a detector's own model, or MTCNN, after which the model says each face's
    expression; auto: the model in small pictures, else MTCNN; MTCNN for a classifier."""
    mtcnn: Literal["fast", "exact"] = "fast"
    """MTCNN for large pictures, or the slower one with the very answers of mtcnn 1.0.0."""
    min_face: float | None = None
    """Smallest face to look for: its longer side in pixels, or below 1 as a part of the picture's
    longer side; by default 20 pixels."""
    any_orientation: bool = False
    """Look also at the picture turned by 90, 180 and 270 degrees, and keep the turn in which the
    faces' scores add up to most: for photos that lie on their side. Takes four times as long."""
    upright_above: float = 15
    """Turn a face that MTCNN found upright, before the model says its expression, where the line
    through its eyes is tilted by more than these degrees; 180: never."""
    max_faces: int | None = None
    """Keep only this number of faces in each picture, the largest."""
    order: Literal["score", "left_to_right"] = "score"
    """Order of a picture's faces: highest score first, or by the left edge."""
    low_resolution: float = 40
    """Faces with a longer side of fewer pixels are marked low_resolution."""
    too_small: float = 24
    """Faces with a longer side of fewer pixels have a box and no probabilities."""

    def __post_init__(self) -> None:
        if self.min_face is not None:
            holds = 0 < self.min_face < 1 or self.min_face >= SMALLEST_WINDOW
            wanted = f"{SMALLEST_WINDOW} pixels or more, or a part between 0 and 1"
            demand(holds, f"--min_face {self.min_face:g}", wanted)
        if self.max_faces is not None:
            demand(self.max_faces > 0, f"--max_faces {self.max_faces}", "at least 1")
        demand(
            0 <= self.upright_above <= 180, f"--upright_above {self.upright_above:g}", "0 to 180"
        )
        for name in ("low_resolution", "too_small"):
            value = getattr(self, name)
            demand(value >= 0, f"--{name} {value:g}", "0 pixels or more")

    def smallest_face(self, width: int, height: int) -> float:
        """Longer side, in pixels, of the smallest face to look for in a picture of that size."""
        if self.min_face is None:
            return DEFAULT_MIN_FACE
        if self.min_face >= 1:
            return self.min_face
        return max(SMALLEST_WINDOW, self.min_face * max(width, height))


@dataclass(frozen=True)
class PredictConfig(FaceOptions, EngineOptions):
    """Find the faces in pictures and videos, predict their expressions and draw them.

    Sources are given together, before or after the flags. Writes the drawn pictures and videos, and
    predictions.jsonl and predictions.csv with box, score and probabilities of each face, to --out.
    Exit code 0: all files were read and written; 1: some were not, and are listed; 2: nothing was
    done.
    """

    sources: tuple[str, ...] = field(kw_only=True, metadata={"positional": "SOURCE"})
    """Pictures, videos, folders, quoted patterns such as 'a/*.jpg', a camera's number, addresses of
    pictures or of folders with a slash at the end (s3://bucket/a/), .txt files with a path or an
    address in each line, or - to read such lines from the standard input."""
    weights: Path | None = None
    """Model file of a detector or classifier; a bare file name that is not here is searched below
    runs/. By default the model that comes with fer_det, or without one best.pth."""
    backend: Backend = "auto"
    """What runs the model: PyTorch, or of an ONNX file onnxruntime or OpenVINO; auto: onnxruntime
    for an ONNX file, LiteRT for a .tflite file, PyTorch for others."""
    out: Path | None = None
    """Output folder; by default a new one: runs/predict-001, -002, ..."""
    min_score: float = 0.5
    """Smallest score, 0 to 1, of the faces that are reported."""
    draw: bool = True
    """Write drawn pictures and videos; false writes only the tables."""
    smoothing: float = 0.5
    """Time constant, in seconds, of the average over a face's probabilities in videos; 0: none."""
    start: float = 0.0
    """Second of each video at which to begin; the frames before it are not looked at."""
    end: float | None = None
    """Second of each video at which to end."""
    seconds: float | None = None
    """Read only this many seconds of each video or camera; a camera otherwise runs until Ctrl-C."""
    every: int = 1
    """Look only at each Nth frame of videos; the annotated video has no others."""
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

    @property
    def stop(self) -> float | None:
        """Second of each video at which to end, by --end or --seconds; None for its own end."""
        ends = [self.end, None if self.seconds is None else self.start + self.seconds]
        return min((end for end in ends if end is not None), default=None)

    def __post_init__(self) -> None:
        FaceOptions.__post_init__(self)
        EngineOptions.__post_init__(self)
        demand(0 <= self.min_score <= 1, f"--min_score {self.min_score}", "0 to 1")
        demand(self.smoothing >= 0, f"--smoothing {self.smoothing}", "0 seconds or more")
        demand(self.batch_size > 0, f"--batch_size {self.batch_size}", "at least 1")
        if self.seconds is not None:
            demand(self.seconds > 0, f"--seconds {self.seconds}", "more than 0")
        demand(self.start >= 0, f"--start {self.start}", "0 seconds or more")
        if self.end is not None:
            demand(self.end > self.start, f"--end {self.end}", f"more than --start {self.start}")
        demand(self.every > 0, f"--every {self.every}", "at least 1")
        if self.out is not None and self.out.parts and self.out.parts[0].endswith(":"):
            # Of s3://a/b Path makes s3:/a/b.
            demand(Path(self.out.parts[0]).is_dir(), f"--out {self.out}", "a local folder")
        if self.out is not None and not self.out.is_dir():
            named_as_file = self.out.suffix.lower() in PICTURE_SUFFIXES | VIDEO_SUFFIXES
            if named_as_file or self.out.is_file():
                raise ConfigError(
                    f"--out {self.out}, a file",
                    "a folder",
                    f"name the folder: --out {self.out.with_suffix('')}",
                )
