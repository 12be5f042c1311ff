"""How much of the face detector's own rate is left when a whole VOC folder is built.

    python benchmarks/voc.py [--pictures FOLDER] [--count 1024] [--workers 2]

Builds a VOC folder from pictures listed as RAF-DB's, as tools/build_voc.py does (read, decode,
detect, write, journal, lists, contact sheet), and times it from the first third to its end, without
the start of the processes. In turns with it as many processes only detect, in pictures
that are decoded already.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path

import _project  # noqa: F401  (first: it may run this script again in .venv)
import torch
from _measure import BenchmarkConfig, Report
from _pictures import take_photos, write_rafdb

from fer_det.config.command import parse_config
from fer_det.faces.detector import FaceDetector
from fer_det.imaging.decode import load_rgb8
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware
from fer_det.runtime.pool import available_cores, map_in_processes
from voc_builder.build.build import BATCH, build
from voc_builder.build.config import BuildConfig, Source
from voc_builder.build.convert import load_mtcnn
from voc_builder.build.resume import JOURNAL_NAME
from voc_builder.readers import READERS


@dataclass(frozen=True)
class Config(BenchmarkConfig):
    """Time the converter against the face detector alone."""

    pictures: Path | None = None
    """Folder of .jpg photos; null: some made faces."""
    photos: int = 32
    """Photos taken."""
    count: int = 1024
    """Pictures listed, the photos repeated under other names."""
    workers: int | None = None
    """Processes on either side; null: one a core."""
    coarse_first: bool = False
    """Whether both sides look for the labelled face only."""
    rounds: int = 3
    """How many times each side is timed, in turns with the other."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "voc.py", argv)
    workers = available_cores() if config.workers is None else config.workers
    report = Report("voc", config, Hardware(torch.device("cpu"), "float32"))
    photos = take_photos(config.pictures, config.photos)
    built, detected = [], []
    with tempfile.TemporaryDirectory() as name:
        root = write_rafdb(Path(name) / "raw", photos, config.count)
        for number in range(config.rounds):
            out = Path(name) / f"voc{number}"
            built.append(_build(root, out, config.count, workers, config.coarse_first))
            detected.append(_detect(root, workers, config.coarse_first))
    setting = f"{config.count} pictures, {workers} processes"
    report.figure(setting, "built", built, "pictures a second")
    report.figure(setting, "detected only", detected, "pictures a second")
    ratio = report.ratio(setting, "built over detected", built, detected)
    report.finish("BUILT_OVER_DETECTED", ratio.median)
    return EXIT_OK


def _build(root: Path, out: Path, count: int, workers: int, coarse_first: bool) -> float:
    """Pictures a second of a build, from its first third to its end."""
    source = Source("rafdb", root, READERS["rafdb"].Options())
    config = BuildConfig(out, workers=workers, coarse_first=coarse_first)
    seen: list[tuple[float, int]] = []
    ended = threading.Event()
    first = max(1, count // BATCH // 3)
    watch = threading.Thread(target=_watch, args=(out / JOURNAL_NAME, first, ended, seen))
    watch.start()
    try:
        with redirect_stdout(StringIO()):
            build(config, [source])
        end = time.perf_counter()
    finally:
        ended.set()
        watch.join()
    began, done = seen[0]
    return (count - done) / (end - began)


def _watch(
    journal: Path, first: int, ended: threading.Event, seen: list[tuple[float, int]]
) -> None:
    """Note when `first` batches are in the journal, and how many pictures these are."""
    while not ended.wait(0.02):
        try:
            batches = journal.read_bytes().count(b"\n") - 1
        except OSError:
            continue
        if batches >= first:
            seen.append((time.perf_counter(), batches * BATCH))
            return


def _detect(root: Path, workers: int, coarse_first: bool) -> float:
    """Pictures a second of all processes together, while they detect."""
    paths = sorted((root / "basic" / "Image" / "original").glob("*.jpg"))
    groups = [(paths[k : k + BATCH], coarse_first) for k in range(0, len(paths), BATCH)]
    seconds = list(map_in_processes(_time_detection, groups, workers, chunk=1))
    return max(workers, 1) * len(paths) / sum(seconds)


def _time_detection(group: tuple[list[Path], bool]) -> float:
    paths, coarse_first = group
    images = [load_rgb8(path) for path in paths]
    detector = _detector()
    began = time.perf_counter()
    detector.detect(images, coarse_first=coarse_first)
    return time.perf_counter() - began


@cache
def _detector() -> FaceDetector:
    return load_mtcnn()


if __name__ == "__main__":
    sys.exit(main())
