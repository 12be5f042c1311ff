"""How old a camera's frame is when its answer is there, and how many frames are dropped.

    python benchmarks/live.py [--weights best.pth] [--seconds 20] [--rate 30]

The camera is made: it shows a photo that drifts about, in frames of 640 x 480, at its rate. What
the command does with a camera is done, except for drawing. Each side is a number of faces.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import _project
import cv2
import numpy as np
import torch
from _measure import BenchmarkConfig, Report
from numpy.typing import NDArray

from fer_det.config.command import parse_config
from fer_det.config.predict import FaceOptions
from fer_det.imaging.decode import load_rgb8
from fer_det.io.files import find_shipped
from fer_det.predict.predictor import Predictor
from fer_det.predict.video.frames import Camera
from fer_det.predict.video.tracking import track_video
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import Hardware

PHOTO = Path(_project.__file__).resolve().parents[1] / "docs/photos/astronaut.jpg"
WIDTH, HEIGHT = 640, 480
MIN_SCORE, SMOOTHING = 0.5, 0.5


@dataclass(frozen=True)
class Config(BenchmarkConfig):
    """Measure the delay from frame to answer."""

    weights: Path | None = None
    """Checkpoint or ONNX model; null: the shipped one."""
    faces: tuple[int, ...] = (1, 4)
    """Faces in each frame, up to 4."""
    seconds: float = 20.0
    """Of each side, after as many frames as `rounds` to warm up."""
    rate: float = 30.0
    """Frames per second."""


class MadeCamera:
    """Has the methods of cv2.VideoCapture that are used; shows a photo that drifts about."""

    def __init__(self, scene: NDArray[np.uint8], rate: float) -> None:
        """scene: [H, W, 3], BGR, a little larger than a frame."""
        self._scene, self._rate = scene, rate
        self._number, self._next = 0, time.monotonic()

    def isOpened(self) -> bool:  # noqa: N802
        """It is."""
        return True

    def get(self, what: int) -> float:
        """Its rate; nothing else is known."""
        return self._rate if what == cv2.CAP_PROP_FPS else 0.0

    def set(self, *_: float) -> None:
        """Nothing can be set."""

    def release(self) -> None:
        """Nothing is held."""

    def read(self) -> tuple[bool, NDArray[np.uint8]]:
        """Wait for the next frame, as a camera does."""
        self._next += 1 / self._rate
        time.sleep(max(0.0, self._next - time.monotonic()))
        angle = self._number / 20
        self._number += 1
        top, left = (round(8 + 8 * wave) for wave in (np.sin(angle), np.cos(angle)))
        return True, self._scene[top : top + HEIGHT, left : left + WIDTH].copy()


def make_scene(faces: int) -> NDArray[np.uint8]:
    """The photo's face, `faces` times -> [HEIGHT + 16, WIDTH + 16, 3], BGR."""
    portrait = cv2.resize(load_rgb8(PHOTO)[:240, 100:340, ::-1], (248, 248))
    scene = np.full((HEIGHT + 16, WIDTH + 16, 3), 90, np.uint8)
    for number in range(faces):
        top, left = 248 * (number // 2), 40 + 300 * (number % 2)
        scene[top : top + 248, left : left + 248] = portrait
    return scene


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; -> exit code."""
    return run_command(_measure, argv)


def _measure(argv: Sequence[str] | None) -> int:
    config = parse_config(Config, "live.py", argv)
    report = Report("live", config, Hardware(torch.device("cpu"), "float32"))
    weights = config.weights or find_shipped("weights/expression_small.onnx")
    assert weights is not None
    predictor = Predictor.from_checkpoint(weights, options=FaceOptions())
    slowest = 0.0
    for faces in config.faces:
        delays, found, taken, dropped = play(predictor, make_scene(faces), config)
        setting = f"{faces} of {WIDTH} x {HEIGHT}, {config.rate:g} a second"
        slow = np.percentile(delays, 95) * 1000
        report.figure(setting, "frame to answer", [1000 * each for each in delays], "ms")
        report.figure(setting, "95th percentile", [slow], "ms")
        report.figure(setting, "faces followed", [found / taken], "a frame")
        report.figure(setting, "dropped", [dropped / (taken + dropped)], "of the frames")
        slowest = max(slowest, slow)
    report.finish("LATEST_ANSWER_MS", slowest)
    return EXIT_OK


def play(
    predictor: Predictor, scene: NDArray[np.uint8], config: Config
) -> tuple[list[float], int, int, int]:
    """Seconds from each frame to its answer, faces in all, frames answered and dropped."""

    def opened(_: int) -> Any:
        return MadeCamera(scene, config.rate)

    with patch.object(cv2, "VideoCapture", opened):
        camera = Camera(0)
        answers = track_video(
            camera.frames(config.seconds), predictor, MIN_SCORE, SMOOTHING, 1, camera.rate
        )
        delays, found = [], 0
        for number, answer in enumerate(answers):
            if number >= config.rounds:
                delays.append(camera.age(answer.frame))
                found += len(answer.faces)
    return delays, found, len(delays), camera.dropped


if __name__ == "__main__":
    sys.exit(main())
