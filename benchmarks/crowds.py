"""How many small faces of large pictures are found, how many false ones, and what it costs.

    python benchmarks/crowds.py [--groups FOLDER] [--weights best.pth]

Photos with known boxes are shrunk and pasted on made scenes without people, so that every face is
known. Each photo's middle face gets the wanted size. A face is found if a box overlaps it by an IoU
of MIN_IOU; all other boxes are false, also on faces that the photos' list lacks. Times are CPU
seconds of a fresh process, with the JPEG's decoding, since the machine may be shared.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import _project  # noqa: F401  (first: it may run this script again in .venv)
import cv2
import numpy as np
import torch
from _measure import BenchmarkConfig, Report
from _pictures import take_photos
from _plot import Panel, draw_panels
from numpy.typing import NDArray

from fer_det.config.command import parse_config
from fer_det.config.predict import FaceOptions
from fer_det.core.box import FaceBox
from fer_det.faces import Mtcnn
from fer_det.faces.mtcnn.fast import FastMtcnn
from fer_det.imaging.decode import decode_rgb8, encode_jpeg, load_rgb8
from fer_det.io.files import write_text
from fer_det.predict.predictor import Predictor
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware
from made_faces.scene.indoors import draw_room
from made_faces.scene.outdoors import draw_nature, draw_street
from made_faces.scene.photograph import encode_srgb

MIN_IOU = 0.3
"""The lists have square boxes, and MTCNN's are higher than wide."""
POINTS = 40
"""At most, of a curve."""
GAP = 60
"""Pixels around a pasted photo."""

Pixels = NDArray[np.uint8]
Find = Callable[[Pixels], Sequence[tuple[FaceBox, float]]]
"""Picture -> boxes and scores."""


@dataclass(frozen=True)
class Config(BenchmarkConfig):
    """Measure recall, false faces and cost on crowds."""

    groups: Path | None = None
    """Folder of photos and faces.json, name -> [[x_min, y_min, x_max, y_max], ...]; null: some made
    faces."""
    weights: Path | None = None
    """A detector's model file, to measure also what it finds in tiles by itself."""
    recall: bool = True
    """Measure what is found; false: only the cost."""
    sizes: tuple[int, ...] = (20, 30, 40, 60)
    """Sides in pixels that the pasted faces get."""
    scenes: int = 3
    """Scenes for each size, and three times as many without any face."""
    width: int = 4000
    """Of the scenes."""
    height: int = 3000
    """Of the scenes."""
    megapixels: tuple[float, ...] = (0.3, 2, 12, 36)
    """Sizes of the pictures that are timed."""
    crowds: tuple[int, ...] = (1, 40)
    """Numbers of faces in these pictures."""
    photos: int = 8
    """Made faces, where --groups names no photos."""
    plot: Path | None = None
    """SVG file with precision by recall of each finder, over all scenes; null: none."""


@dataclass(frozen=True)
class Photo:
    """A photo and the boxes [N, 4] of its faces."""

    pixels: Pixels
    boxes: NDArray[np.float64]

    def scaled(self, side: float) -> Photo:
        """Give the middle face that side."""
        scale = side / float(np.median((self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1)))
        size = tuple(max(1, round(scale * pixels)) for pixels in self.pixels.shape[1::-1])
        filter_ = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        return Photo(
            np.asarray(cv2.resize(self.pixels, size, interpolation=filter_)), scale * self.boxes
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "crowds.py", argv)
    photos = load_photos(config)
    report = Report("crowds", config, Hardware(torch.device("cpu"), "float32"))
    found = {
        name: _report_recall(report, config, photos, name, find)
        for name, find in make_finders(config).items()
        if config.recall
    }
    if config.plot is not None:
        write_text(config.plot, draw_precision(found))
    ratio = 1.0
    for megapixels in config.megapixels:
        for count in config.crowds:
            data = encode_jpeg(make_crowd(photos, megapixels, count), 90)
            setting = f"{megapixels:g} MP, {count} faces"
            seconds = {}
            for mode in ("fast", "exact"):
                cpu, wall, megabytes = zip(
                    *(_in_fresh_process(mode, data) for _ in range(config.rounds)), strict=True
                )
                seconds[mode] = cpu
                report.figure(setting, f"{mode}, CPU", cpu, "s a picture")
                report.figure(setting, f"{mode}, on this machine", wall, "s a picture")
                report.figure(setting, f"{mode}, memory", megabytes, "MB at most")
            ratio = report.ratio(
                setting, "exact over fast", seconds["exact"], seconds["fast"]
            ).median
    report.finish("EXACT_OVER_FAST_MTCNN_IN_CPU", ratio)
    return EXIT_OK


def load_photos(config: Config) -> list[Photo]:
    """The photos of --groups, or made faces."""
    if config.groups is not None:
        boxes = json.loads((config.groups / "faces.json").read_text(encoding="utf-8"))
        return [
            Photo(load_rgb8(config.groups / name), np.array(of_photo, np.float64))
            for name, of_photo in sorted(boxes.items())
        ]
    return [
        Photo(decode_rgb8(made.data, "a made face").pixels, np.array([made.box.as_tuple()]))
        for made in take_photos(None, config.photos)
    ]


def make_finders(config: Config) -> dict[str, Find]:
    """Who looks for faces, by name."""

    def of_mtcnn(detector: Mtcnn | FastMtcnn) -> Find:
        return lambda pixels: [(f.box, f.score) for f in detector.detect([pixels])[0]]

    finders = {"fast": of_mtcnn(FastMtcnn()), "exact": of_mtcnn(Mtcnn())}
    if config.weights is not None:
        options = FaceOptions(faces="model")
        model = Predictor.from_checkpoint(config.weights, options=options)
        finders["model"] = lambda pixels: [(f.box, f.score) for f in model(pixels)]
    return finders


def make_scene(width: int, height: int, seed: int) -> Pixels:
    """A scene in focus, without people: a street, nature or a room."""
    rng = np.random.default_rng(seed)
    draw = (draw_street, draw_nature, draw_room)[seed % 3]
    light = draw(rng, height, width)
    return np.asarray((255 * encode_srgb(light.clip(0, 1))).round().clip(0, 255), np.uint8)


def make_crowd(photos: Sequence[Photo], megapixels: float, count: int) -> Pixels:
    """A 4 : 3 scene of that size with about `count` faces in it, as large as there is room."""
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    height = width * 3 // 4
    chosen: list[Photo] = []
    faces = 0
    while faces < count:
        photo = photos[len(chosen) % len(photos)]
        boxes = photo.boxes[: count - faces]
        chosen.append(Photo(photo.pixels, boxes))
        faces += len(boxes)
    side = max(24.0, min(0.02 * width, 100.0))
    return paste(make_scene(width, height, 1), [each.scaled(side) for each in chosen])[0]


def paste(scene: Pixels, photos: Sequence[Photo]) -> tuple[Pixels, NDArray[np.float64]]:
    """Put the photos into the scene in rows, as many as fit; -> picture and boxes."""
    picture, boxes = scene.copy(), [np.zeros((0, 4))]
    x = y = lowest = GAP // 2
    for photo in photos:
        height, width = photo.pixels.shape[:2]
        if x + width > scene.shape[1]:
            x, y = GAP // 2, lowest + GAP
        if x + width > scene.shape[1] or y + height > scene.shape[0]:
            continue
        picture[y : y + height, x : x + width] = photo.pixels
        boxes.append(photo.boxes + np.array([x, y, x, y]))
        x, lowest = x + width + GAP, max(lowest, y + height)
    return picture, np.concatenate(boxes)


@dataclass(frozen=True)
class Found:
    """What was found in one picture: the scores of its faces, and of boxes on none of them."""

    hits: Sequence[float]
    others: Sequence[float]
    faces: int
    """How many there are."""

    @classmethod
    def of(cls, found: Sequence[tuple[FaceBox, float]], boxes: NDArray[np.float64]) -> Found:
        """Give each of the boxes the one that overlaps it most."""
        free, hits = list(found), []
        for edges in boxes:
            box = FaceBox(*edges.tolist())
            best = max(free, key=lambda each: box.iou(each[0]), default=None)
            if best is not None and best[0].iou(box) >= MIN_IOU:
                free.remove(best)
                hits.append(best[1])
        return cls(hits, [score for _, score in free], len(boxes))


def draw_precision(of_finders: Mapping[str, Sequence[Found]]) -> str:
    """Return an SVG file with precision by recall, a panel a finder, scores from high to low."""
    panels = []
    for name, pictures in of_finders.items():
        scored = [(score, 1) for each in pictures for score in each.hits]
        scored += [(score, 0) for each in pictures for score in each.others]
        hits = np.cumsum([hit for _, hit in sorted(scored, reverse=True)])
        faces = sum(each.faces for each in pictures)
        rows = np.unique(np.linspace(0, len(hits) - 1, POINTS).astype(int)) if len(hits) else ()
        points = {float(hits[row] / faces): float(hits[row] / (row + 1)) for row in rows}
        panels.append(Panel(name, "recall", "precision", points or {0.0: 0.0}))
    return draw_panels(panels)


def _report_recall(
    report: Report, config: Config, photos: Sequence[Photo], name: str, find: Find
) -> list[Found]:
    pictures = [Found.of(find(photo.pixels), photo.boxes) for photo in photos]
    _report_found(report, name, "native size", pictures)
    for size in config.sizes:
        of_size = []
        for scene in range(config.scenes):
            ground = make_scene(config.width, config.height, scene)
            picture, boxes = paste(ground, [photo.scaled(size) for photo in photos])
            of_size.append(Found.of(find(picture), boxes))
        _report_found(report, name, f"{size} px", of_size)
        pictures += of_size
    faceless = [
        Found.of(find(make_scene(config.width, config.height, 100 + scene)), np.zeros((0, 4)))
        for scene in range(3 * config.scenes)
    ]
    others = [len(each.others) for each in faceless]
    report.figure("scenes without faces", f"{name}, false", others, "a scene")
    return pictures + faceless


def _report_found(report: Report, name: str, setting: str, pictures: Sequence[Found]) -> None:
    total = sum(each.faces for each in pictures)
    hits = sum(len(each.hits) for each in pictures)
    others = sum(len(each.others) for each in pictures)
    report.figure(setting, f"{name}, found", [hits / max(1, total)], f"of {total}")
    report.figure(setting, f"{name}, others", [others / len(pictures)], "a picture")


def _in_fresh_process(mode: str, data: bytes) -> tuple[float, float, float]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_time_one, mode, data).result()


def _time_one(mode: str, data: bytes) -> tuple[float, float, float]:
    """CPU seconds, seconds, and the process's largest memory in MB."""
    detector = FastMtcnn() if mode == "fast" else Mtcnn()
    detector.detect([np.zeros((64, 64, 3), np.uint8)])
    began, cpu_began = time.perf_counter(), time.process_time()
    detector.detect([decode_rgb8(data, "a crowd").pixels])
    cpu, wall = time.process_time() - cpu_began, time.perf_counter() - began
    return cpu, wall, _largest_memory()


def _largest_memory() -> float:
    """This process's, in MB; getrusage would count what its parent had when it was started."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    sys.exit(main())
