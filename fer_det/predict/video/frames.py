"""Videos and cameras as one thing: frames that come one after the other."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.errors import VideoError

# What FFmpeg and OpenCV print about a broken file would only repeat our one line. FFmpeg is asked
# before any video is opened; later it no longer listens.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

FILE_RATE, CAMERA_RATE = 25.0, 30.0
"""Frames per second, where a video or a camera tells nothing sensible."""
SLOWEST, FASTEST = 1.0, 240.0


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a video or camera."""

    number: int
    """From 0."""
    seconds: float
    """Since the first; never less than the frame before."""
    pixels: NDArray[np.uint8]
    """[H, W, 3], RGB, upright."""


class FrameSource:
    """The frames of an opened video or camera, read one at a time; closes it when they end."""

    def __init__(self, capture: cv2.VideoCapture, name: str, live: bool) -> None:
        self.name = name
        self.live = live
        """Whether frames come when they come, as a camera's do, rather than at `rate`."""
        told = float(capture.get(cv2.CAP_PROP_FPS))
        sensible = SLOWEST <= told <= FASTEST
        self.rate = told if sensible else (CAMERA_RATE if live else FILE_RATE)
        """Frames per second."""
        count = 0 if live else float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.total = int(count) if 0 < count < 2**31 else None
        """Frames that the file says it has; None where nobody knows."""
        self._capture = capture

    def frames(self, seconds: float | None = None) -> Iterator[Frame]:
        """All frames, or those of the first `seconds`; VideoError where there is not one."""
        began = time.monotonic()
        number, last = 0, 0.0
        try:
            while True:
                there, pixels = self._capture.read()
                if not there:
                    break
                now = time.monotonic() - began if self.live else self._told_seconds(number)
                last = max(last, now)
                if seconds is not None and last >= seconds:
                    break
                rgb = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
                yield Frame(number, last, rgb)
                number += 1
        finally:
            self._capture.release()
        if number == 0:
            raise VideoError(f"{self.name} gave no frame", "a video or camera", "check it")

    def _told_seconds(self, number: int) -> float:
        """When the frame just read is shown: as the file says, or by the rate where it does not."""
        told = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
        sensible = math.isfinite(told) and (told > 0 or number == 0)
        return told if sensible else number / self.rate


def open_video(path: Path) -> FrameSource:
    """Open a video file; VideoError where it is none."""
    if not path.is_file():
        raise VideoError(f"{path} is absent", "a video file", "check the path")
    if path.stat().st_size == 0:
        raise VideoError(f"{path} is empty", "a video file", "replace it or leave it out")
    return FrameSource(
        _opened(str(path), f"{path} is broken or not a video we read", "a whole video file"),
        str(path),
        live=False,
    )


def open_camera(index: int) -> FrameSource:
    """Open the camera of that number, from 0; VideoError where there is none."""
    found = f"camera {index} could not be opened"
    capture = _opened(index, found, "a camera that nobody else uses")
    # Otherwise the frames shown are old ones wherever we are slower than the camera.
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return FrameSource(capture, f"camera {index}", live=True)


def _opened(what: str | int, found: str, wanted: str) -> Any:
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        capture = cv2.VideoCapture(what)
        is_open = capture.isOpened()
    finally:
        cv2.utils.logging.setLogLevel(level)
    if not is_open:
        capture.release()
        raise VideoError(found, wanted, "replace it or leave it out")
    return capture
