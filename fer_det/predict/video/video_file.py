"""A video written frame by frame; it appears, whole and read back, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.errors import OutputError
from fer_det.io.files import atomic_path

CODEC = "mp4v"
"""MPEG-4 part 2, the one that OpenCV's wheels can write into .mp4 on every system."""
LONGEST_STANDSTILL = 10.0
"""Seconds that one frame of a camera is repeated at most."""


class VideoFile:
    """Takes frames of one size at a constant rate; others are scaled to the first one's size."""

    def __init__(self, path: Path, rate: float) -> None:
        self.path = path
        self.count = 0
        """Frames written."""
        self._rate = rate
        self._size: tuple[int, int] | None = None
        self._writer = cv2.VideoWriter()

    def write(self, pixels: NDArray[np.uint8], until: float | None = None) -> None:
        """Add [H, W, 3] RGB once, or as often as it takes to reach `until` seconds.

        Raises OutputError where no video can be written.
        """
        if self._size is None:
            self._open(pixels.shape[1], pixels.shape[0])
        width, height = self._size or (0, 0)
        if pixels.shape[:2] != (height, width):
            scaled = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
            pixels = scaled.astype(np.uint8, copy=False)
        times = 1
        if until is not None:
            times = round(until * self._rate) - self.count + 1
            times = min(times, round(LONGEST_STANDSTILL * self._rate))
        frame = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
        for _ in range(times):
            self._writer.write(frame)
            self.count += 1

    def _open(self, width: int, height: int) -> None:
        # The codec stores colour for blocks of 2 x 2 pixels.
        self._size = (width + width % 2, height + height % 2)
        code = cv2.VideoWriter.fourcc(*CODEC)
        if not self._writer.open(str(self.path), code, self._rate, self._size):
            raise _not_written(self.path, f"OpenCV does not write {CODEC}")

    def close(self) -> None:
        """End the file and read it back; OutputError where it does not hold what was written."""
        self._writer.release()
        capture = cv2.VideoCapture(str(self.path))
        readable, _ = capture.read()
        found = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.release()
        if not readable or found < self.count:
            raise _not_written(self.path, f"{found} of {self.count} frames can be read back")

    def release(self) -> None:
        """Let go of a file that will not be kept."""
        self._writer.release()


@contextmanager
def video_file(path: Path, rate: float) -> Iterator[VideoFile]:
    """Open `path`, .mp4, for frames at `rate` per second; at least one must come.

    Raises OutputError where it cannot be written.
    """
    with atomic_path(path) as temporary:
        video = VideoFile(temporary, rate)
        try:
            yield video
            video.close()
        finally:
            video.release()


def _not_written(path: Path, why: str) -> OutputError:
    return OutputError(
        f"{path.parent} did not take the video ({why})",
        "a folder with room that may be written",
        "free some space, choose another --out, or leave the video out with --draw false",
    )
