"""How much less our MTCNN costs than the package's, and whether it finds the same boxes.

    python benchmarks/mtcnn.py [--pictures FOLDER] [--tensorflow_python PATH]

CPU seconds a picture on one thread, without decoding: all faces, 16 pictures at a time, and the
labelled face alone (coarse-first). The other side is the package mtcnn, one picture at a time, in
a Python that has it and TensorFlow, and where none is named our own, one picture at a time.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import _project  # noqa: F401  (first: it may run this script again in .venv)
import torch
from _measure import BenchmarkConfig, Report
from _pictures import take_photos

from fer_det.config.command import parse_config
from fer_det.core.box import FaceBox
from fer_det.errors import ConfigError
from fer_det.faces.detector import DetectedFace, FaceDetector
from fer_det.imaging.decode import load_rgb8
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware
from fer_det.runtime.progress import track
from voc_builder.build.convert import load_mtcnn

SCRIPT = Path(__file__).with_name("_tensorflow_mtcnn.py")

Boxes = set[tuple[float, ...]]
"""x, y, width, height of each."""


@dataclass(frozen=True)
class Config(BenchmarkConfig):
    """Time MTCNN against the package mtcnn."""

    pictures: Path | None = None
    """Folder of .jpg photos; null: some made faces."""
    count: int = 48
    """Pictures taken."""
    together: int = 16
    """Pictures that our side is given at a time; each such group is a round."""
    tensorflow_python: Path | None = None
    """Python of an environment with mtcnn and TensorFlow; null: our own side, one at a time."""


class TensorflowMtcnn(AbstractContextManager["TensorflowMtcnn"]):
    """The package in a process of its own."""

    def __init__(self, python: Path) -> None:
        try:
            self._process = subprocess.Popen(
                [str(python), str(SCRIPT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        except OSError as error:
            raise _no_tensorflow(python) from error
        self._python = python
        self.versions = self._answer()["versions"]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def detect(self, path: Path) -> tuple[float, Boxes]:
        """See Detector."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        answer = self._answer()
        return answer["seconds"], {tuple(map(float, box)) for box in answer["boxes"]}

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise _no_tensorflow(self._python)
        return dict(json.loads(line))


def _no_tensorflow(python: Path) -> Exception:
    return ConfigError(
        f"--tensorflow_python {python}, which cannot run the package mtcnn",
        "a Python with mtcnn 1.0.0 and TensorFlow",
        "pip install 'mtcnn[tensorflow]' into an environment of its own, and name its bin/python",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "mtcnn.py", argv)
    photos = take_photos(config.pictures, config.count)
    detector = load_mtcnn()
    torch.set_num_threads(1)
    report = Report("mtcnn", config, Hardware(torch.device("cpu"), "float32"))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        paths = [folder / f"{number}.jpg" for number in range(len(photos))]
        for path, photo in zip(paths, photos, strict=True):
            path.write_bytes(photo.data)
        if config.tensorflow_python is None:
            claim, other = "MTCNN_TOGETHER_OVER_ONE_AT_A_TIME", "ours, one at a time"
            sides = compare(detector, paths, config.together, OneAtATime(detector))
        else:
            package = stack.enter_context(TensorflowMtcnn(config.tensorflow_python))
            print(f"the package's side: {package.versions}, one thread")
            claim, other = "MTCNN_OVER_TENSORFLOW", "the package, one at a time"
            sides = compare(detector, paths, config.together, package)
    setting = f"{len(paths)} pictures"
    report.figure(setting, other, sides.other, "CPU ms a picture")
    report.figure(setting, "all faces", sides.full, "CPU ms a picture")
    report.figure(setting, "the labelled face", sides.coarse, "CPU ms a picture")
    report.figure(setting, "other boxes", [sides.different], f"of {sides.boxes}")
    report.figure(setting, "other largest boxes", [sides.different_largest], f"of {sides.faces}")
    ratio = report.ratio(setting, f"{other}, over all faces", sides.other, sides.full)
    report.ratio(setting, f"{other}, over the labelled", sides.other, sides.coarse)
    report.finish(claim, ratio.median)
    return EXIT_OK


@dataclass
class Sides:
    """CPU milliseconds a picture of each group of pictures, and how often boxes differed."""

    other: list[float] = field(default_factory=list)
    full: list[float] = field(default_factory=list)
    coarse: list[float] = field(default_factory=list)
    boxes: int = 0
    """The other side's."""
    different: int = 0
    """Of them, and of ours that the other side lacks."""
    faces: int = 0
    """Pictures with a face."""
    different_largest: int = 0
    """Pictures whose largest face another box has when it alone is wanted."""


class Detector(Protocol):
    """A side that takes one picture at a time."""

    def detect(self, path: Path) -> tuple[float, Boxes]:
        """-> CPU seconds without decoding, and the boxes."""


class OneAtATime:
    """Our own detector, asked for a picture at a time."""

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector

    def detect(self, path: Path) -> tuple[float, Boxes]:
        """See Detector."""
        pixels = load_rgb8(path)
        began = time.process_time()
        (faces,) = self._detector.detect([pixels])
        return time.process_time() - began, _boxes(faces)


def compare(detector: FaceDetector, paths: Sequence[Path], together: int, other: Detector) -> Sides:
    """Ask all sides for the same pictures, a group after the other, after a group to warm up."""
    sides = Sides()
    groups = [paths[start : start + together] for start in range(0, len(paths), together)]
    for number, group in enumerate(track([groups[0], *groups], 1 + len(groups), "asked", "groups")):
        images = [load_rgb8(path) for path in group]
        began = time.process_time()
        full = detector.detect(images)
        middle = time.process_time()
        coarse = detector.detect(images, coarse_first=True)
        ended = time.process_time()
        theirs = [other.detect(path) for path in group]
        if number == 0:
            continue
        sides.full.append(1000 * (middle - began) / len(group))
        sides.coarse.append(1000 * (ended - middle) / len(group))
        sides.other.append(1000 * sum(seconds for seconds, _ in theirs) / len(group))
        for faces, labelled, (_, boxes) in zip(full, coarse, theirs, strict=True):
            sides.boxes += len(boxes)
            sides.different += len(boxes ^ _boxes(faces))
            sides.faces += bool(faces)
            sides.different_largest += _largest(faces) != _largest(labelled)
    return sides


def _boxes(faces: Sequence[DetectedFace]) -> Boxes:
    return {(f.box.x_min, f.box.y_min, f.box.width, f.box.height) for f in faces}


def _largest(faces: Sequence[DetectedFace]) -> FaceBox | None:
    return max((face.box for face in faces), key=lambda box: box.area, default=None)


if __name__ == "__main__":
    sys.exit(main())
