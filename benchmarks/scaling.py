"""How cost grows with the number of pictures, their size, and the faces in them.

    python benchmarks/scaling.py [--counts '[1000, 10000, 100000]'] [--plot docs/scaling.svg]

Time and memory to build a VOC folder of so many pictures (small crops, repeated); CPU time of MTCNN
by the picture's side and by the number of faces; time of the detector's answer by its input's side.
The claim is that a picture costs no more among many than among few.
"""

import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import _project  # noqa: F401  (first: it may run this script again in .venv)
import cv2
import numpy as np
import torch
from _measure import BenchmarkConfig, Report, Spread, in_turns
from _pictures import Photo, take_photos, write_rafdb
from _plot import Panel, draw_panels
from memory import run_task
from numpy.typing import NDArray

from fer_det.config.command import parse_config
from fer_det.config.model import Precision
from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.imaging.decode import decode_rgb8, encode_jpeg
from fer_det.io.files import write_text
from fer_det.models import build_model
from fer_det.models.vgg16_frcnn.config import Config as ModelConfig
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware, choose_hardware
from fer_det.runtime.memory import keep_freed_memory
from voc_builder.build.convert import load_mtcnn

CROP = 64
CANVAS = 800
"""Side of the picture that faces are set into, in pixels."""


@dataclass(frozen=True)
class Config(BenchmarkConfig):
    """Time work of growing size, and draw it."""

    counts: tuple[int, ...] = (500, 1000, 2000)
    """Numbers of pictures that are listed and built."""
    sides: tuple[int, ...] = (100, 200, 400, 800)
    """Sides of the picture that MTCNN looks at, in pixels."""
    faces: tuple[int, ...] = (1, 4, 9, 16)
    """Numbers of faces in a picture that MTCNN looks at."""
    inputs: tuple[int, ...] = (96, 160, 224, 320)
    """Sides of the detector's input, in pixels."""
    pictures: Path | None = None
    """Folder of .jpg photos with a face each; null: some made faces."""
    plot: Path | None = None
    """SVG to draw; null: none."""
    precision: Precision = "auto"
    """Arithmetic of the detector; auto takes bfloat16 where the processor is fast at it."""
    device: str = "auto"
    """cpu, cuda, ..."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "scaling.py", argv)
    hardware = choose_hardware(config.device, config.precision)
    keep_freed_memory()
    report = Report("scaling", config, hardware)
    photos = take_photos(config.pictures, 4)
    # First, since MTCNN leaves the process with one thread.
    by_input = _detector_by_input(config, report, hardware)
    seconds, megabytes = _build_counts(config, report, photos)
    by_side = _mtcnn_by(
        config, report, {side: _scaled(photos[0], side) for side in config.sides}, "px a side"
    )
    by_faces = _mtcnn_by(
        config, report, {n: _crowd(photos, n) for n in config.faces}, "faces in 800 px"
    )
    if config.plot is not None:
        squares = {side**2 / 1e6: value for side, value in by_side.items()}
        areas = {side**2 / 1e3: value for side, value in by_input.items()}
        panels = [
            Panel("VOC folder: time", "thousand pictures", "seconds", _thousands(seconds)),
            Panel("VOC folder: memory", "thousand pictures", "MB at most", _thousands(megabytes)),
            Panel("MTCNN by picture", "megapixels", "CPU ms", squares),
            Panel("MTCNN by faces", "faces in 800 px", "CPU ms", by_faces),
            Panel("detector by input", "thousand pixels", "ms", areas),
        ]
        write_text(config.plot, draw_panels(panels))
        print(f"drawn: {config.plot}")
    first, last = min(config.counts), max(config.counts)
    report.finish("TIME_PER_PICTURE_MANY_OVER_FEW", seconds[last] / last * first / seconds[first])
    return EXIT_OK


def _build_counts(
    config: Config, report: Report, photos: Sequence[Photo]
) -> tuple[dict[int, float], dict[int, float]]:
    """Seconds and megabytes of a build of each number of small crops, in a process of its own."""
    small = [_scaled(photo, CROP) for photo in photos]
    crops = [Photo(encode_jpeg(pixels), CROP, CROP, photos[0].box) for pixels in small]
    seconds, megabytes = {}, {}
    with tempfile.TemporaryDirectory() as name:
        for count in config.counts:
            folder = Path(name) / str(count)
            write_rafdb(folder / "raw", crops, count, faces="aligned")
            seconds[count], megabytes[count] = run_task("convert", folder)
            setting = f"{count} pictures of {CROP} px"
            report.figure(setting, "VOC folder", [seconds[count]], "s")
            report.figure(setting, "VOC folder", [megabytes[count]], "MB at most")
    return seconds, megabytes


def _mtcnn_by(
    config: Config, report: Report, pictures: Mapping[int, NDArray[np.uint8]], unit: str
) -> dict[float, float]:
    """CPU milliseconds of MTCNN for each picture."""
    detector = load_mtcnn()
    sides = {f"{n}": lambda p=pixels: detector.detect([p]) for n, pixels in pictures.items()}
    timed = in_turns(sides, config.rounds, time.process_time)
    return {n: _median(report, f"{n} {unit}", "MTCNN", timed[f"{n}"], "CPU ms") for n in pictures}


def _detector_by_input(config: Config, report: Report, hardware: Hardware) -> dict[float, float]:
    """Milliseconds of the detector's answer to one picture, for each side of its input."""
    labels = [expression.label for expression in BASIC_EXPRESSIONS]
    models = {}
    for size in config.inputs:
        torch.manual_seed(0)
        model_config = ModelConfig(input_size=size, head_width=512, batch_norm=False)
        models[size] = hardware.prepare(build_model(model_config, labels))

    @torch.inference_mode()
    def answer(size: int) -> None:
        with hardware.autocast():
            models[size](torch.zeros(1, 3, size, size, device=hardware.device))

    timed = in_turns({f"{n}": lambda n=n: answer(n) for n in config.inputs}, config.rounds)
    return {
        n: _median(report, f"{n} px of input", "detector", timed[f"{n}"], "ms")
        for n in config.inputs
    }


def _median(report: Report, setting: str, name: str, seconds: Sequence[float], unit: str) -> float:
    spread: Spread = report.figure(setting, name, [1000 * each for each in seconds], unit)
    return spread.median


def _scaled(photo: Photo, side: int) -> NDArray[np.uint8]:
    pixels = decode_rgb8(photo.data, "a picture").pixels
    kind = cv2.INTER_AREA if side < min(pixels.shape[:2]) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=kind), np.uint8)


def _crowd(photos: Sequence[Photo], faces: int) -> NDArray[np.uint8]:
    """[CANVAS, CANVAS, 3] gray, with so many photos of one face each in a grid of 4 x 4."""
    canvas = np.full((CANVAS, CANVAS, 3), 127, np.uint8)
    cell = CANVAS // 4
    for number in range(min(faces, 16)):
        top, left = number // 4 * cell, number % 4 * cell
        face = _scaled(photos[number % len(photos)], cell)
        canvas[top : top + cell, left : left + cell] = face
    return canvas


def _thousands(values: Mapping[int, float]) -> dict[float, float]:
    return {count / 1000: value for count, value in values.items()}


if __name__ == "__main__":
    sys.exit(main())
