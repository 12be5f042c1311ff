"""Read the frames of video files (PyAV) and cameras (OpenCV), one at a time."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.errors import VideoError
from fer_det.imaging.decode import MAX_PIXELS
from fer_det.io.video import display_matrix, open_container, upright
from fer_det.predict.video.live import newest

FILE_RATE, CAMERA_RATE = 25.0, 30.0
"""Frames per second where the file or camera states none between SLOWEST and FASTEST."""
SLOWEST, FASTEST = 1.0, 240.0

_HOLES = {
    **dict.fromkeys(("h264", "hevc"), re.compile(rb"\0{32}\0*[^\0\x01]")),
    **dict.fromkeys(("vp8", "vp9"), re.compile(rb"\0{256}")),
}
"""Zeros that overwrote a part of a packet, by codec; the decoders take them for pictures.

A unit of H.264 or H.265 never has more than two zeros in a row (H.264, 7.4.1); the arithmetic coder
of VP8 and VP9 has no such rule and hardly ever writes so many.
"""
_STORES_DURATION = ("matroska,webm", "flv", "asf")
_LONGEST = 1e6
"""Seconds; a longer duration in a header is ignored."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a video or camera."""

    number: int
    """From 0; frames that were left out count."""
    seconds: float
    """Since the first frame; never less than the frame before."""
    pixels: NDArray[np.uint8]
    """[H, W, 3], RGB, upright."""


class VideoFile:
    """A video file. `frames` reads it once, from its beginning to its end."""

    live = False
    dropped = 0

    def __init__(self, path: Path) -> None:
        """Raises VideoError for a file that is absent, empty or no video."""
        self.path, self.name = path, str(path)
        if not path.is_file():
            raise VideoError(f"{path} is absent", "a video file", "check the path")
        if path.stat().st_size == 0:
            raise VideoError(f"{path} is empty", "a video file", "replace it or leave it out")
        try:
            self._container = open_container(path)
        except (av.FFmpegError, OSError) as error:
            raise self._unreadable("is broken or not a video we read") from error
        if not self._container.streams.video:
            self._container.close()
            raise self._unreadable("has sound and no frames")
        self._stream: Any = self._container.streams.video[0]
        # A single thread: errors are then counted with the packet that caused them.
        self._stream.codec_context.thread_count = 1
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.rate = float(rate) if rate and SLOWEST <= rate <= FASTEST else FILE_RATE
        """Frames per second, on average."""
        self.total = self._expected_frames()
        """Number of frames by the index, or about that by the duration; None if unknown."""
        self.start = 0.0
        """Time stamp of the first frame, in seconds of the file; known once it has been read."""
        self.aspect = Fraction(1)
        """Width of a pixel by its height, upright; known once the first frame has been read."""
        self.damage = ""
        """What is missing of a damaged file, in one sentence; known once all has been read."""
        self._damaged = 0
        """Packets that were read or decoded with an error."""
        self._dropped = 0
        """Packets whose frames are not shown, before the beginning of a trimmed film."""
        self._end = 0.0
        """Largest time stamp of a frame or of sound."""

    def frames(
        self, stop: float | None = None, start: float = 0.0, every: int = 1
    ) -> Iterator[Frame]:
        """Return the frames from `start` until before `stop`, in seconds since the first, or each
        `every`th of them; VideoError if there is none.

        All frames before `start` are decoded, as seeking is not exact in every format. A damaged
        frame is among them if the decoder makes a picture of it.
        """
        number, last, first = 0, 0.0, None
        try:
            for decoded in self._decode():
                if number == 0:
                    self.start = decoded.time or 0.0
                    self.aspect = self._aspect_of(decoded)
                at = number / self.rate if decoded.time is None else decoded.time - self.start
                last = max(last, at)
                if stop is not None and last >= stop:
                    break
                if last >= start:
                    first = number if first is None else first
                    if (number - first) % every == 0:
                        yield Frame(number, last, upright(decoded))
                number += 1
            else:
                self.damage = self._describe_damage(number) if number else ""
            if number == 0:
                raise self._unreadable("has no frame that can be read")
            if first is None:
                raise VideoError(
                    f"{self.name} has no frame at {start:g} s or later",
                    f"--start below its {last:.1f} s",
                    "begin earlier",
                )
        finally:
            self._container.close()

    def count_frames(self, stop: float | None, start: float, every: int) -> int | None:
        """Return about how many frames `frames` will give; None if unknown."""
        if stop is None and self.total is None:
            return None
        whole = math.inf if self.total is None else self.total
        last = whole if stop is None else min(whole, stop * self.rate)
        return max(0, math.ceil((last - start * self.rate) / every))

    def _decode(self) -> Iterator[Any]:
        """PyAV's frames; counts damaged packets and goes on after them as far as possible."""
        container = self._container
        # Sound is not decoded here; it only shows how far the file goes on.
        packets = container.demux(self._stream, *container.streams.audio)
        while True:
            errors = _error_count()
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                packet = None
            self._damaged += _error_count() > errors
            if packet is None:
                return
            if packet.pts is not None:
                after = packet.pts + (packet.duration or 0)
                self._end = max(self._end, float(after * packet.time_base))
            if packet.stream_index == self._stream.index:
                yield from self._decode_packet(packet)

    def _decode_packet(self, packet: Any) -> list[Any]:
        errors = _error_count()
        damaged = packet.is_corrupt or self._has_hole(packet)
        try:
            frames: list[Any] = packet.decode()
        except av.FFmpegError:
            frames, damaged = [], True
        self._damaged += damaged or _error_count() > errors
        self._dropped += packet.is_discard
        for frame in frames:
            if frame.width * frame.height > MAX_PIXELS:
                raise self._unreadable(f"has frames of {frame.width} x {frame.height} pixels")
        return frames

    def _has_hole(self, packet: Any) -> bool:
        hole = _HOLES.get(self._stream.codec_context.name)
        return hole is not None and hole.search(bytes(packet)) is not None

    def _expected_frames(self) -> int | None:
        count = int(self._stream.frames)
        if count and "mov" in self._container.format.name:
            # The index lists what is shown of a trimmed film, the count what is stored.
            count = min(count, len(self._stream.index_entries))
        return count or round(self._duration() * self.rate) or None

    def _duration(self) -> float:
        """Seconds by the file's header; 0 where the format has none or FFmpeg estimates it."""
        stored = self._container.format.name in _STORES_DURATION
        seconds = (self._container.duration or 0) / av.time_base
        return seconds if stored and 0 < seconds < _LONGEST else 0.0

    def _describe_damage(self, count: int) -> str:
        expected = max(self.total or 0, count + self._dropped)
        missing = expected - count - self._dropped if self._stream.frames else 0
        duration = self._duration()
        short = duration - (self._end - (self._container.start_time or 0) / av.time_base)
        if duration and short > max(0.5, 0.05 * duration):
            missing = max(missing, round(short * self.rate))
        if not self._damaged and missing <= max(1, 0.02 * expected):
            # Some programs count frames that they left out.
            return ""
        lost = min(max(missing, self._damaged), expected)
        frames = f"{lost:,} of {expected:,} frames {'is' if lost == 1 else 'are'}"
        return f"{self.name} is damaged: at least {frames} lost or incomplete"

    def _aspect_of(self, frame: Any) -> Fraction:
        aspect = Fraction(self._stream.sample_aspect_ratio or 1)
        turned = display_matrix(frame)[0, 0] == 0
        return 1 / aspect if turned and aspect else aspect or Fraction(1)

    def _unreadable(self, why: str) -> VideoError:
        return VideoError(f"{self.name} {why}", "a whole video file", "replace it or leave it out")


class Camera:
    """A camera of this machine; its clock starts with the first frame."""

    live = True
    path = None
    damage = ""
    start = 0.0
    aspect = Fraction(1)

    def __init__(self, index: int) -> None:
        """Open the camera of that number, from 0; VideoError if there is none."""
        self.name = f"camera {index}"
        self._capture = _open_silently(index)
        if not self._capture.isOpened():
            self._capture.release()
            raise VideoError(
                f"{self.name} could not be opened",
                "a camera that no other program uses",
                "check its number and the permissions of /dev/video*",
            )
        # Otherwise old frames are shown wherever prediction is slower than the camera.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.rate = rate if SLOWEST <= rate <= FASTEST else CAMERA_RATE
        """Frames per second."""
        self.dropped = 0
        """Frames that were not given, since newer ones had come."""
        self._began = math.nan

    def frames(self, stop: float | None = None) -> Iterator[Frame]:
        """Return the newest frame each time, until the camera ends or `stop`, in seconds.

        VideoError if there is none.
        """
        last = -1
        for frame in newest(self.all_frames(stop)):
            self.dropped += frame.number - last - 1
            last = frame.number
            yield frame

    def age(self, frame: Frame) -> float:
        """Seconds since one of its frames was taken."""
        return time.monotonic() - self._began - frame.seconds

    def all_frames(self, stop: float | None = None) -> Iterator[Frame]:
        """Return every frame, until the camera ends or `stop`; VideoError if there is none."""
        number = 0
        try:
            while True:
                there, pixels = self._capture.read()
                if not there:
                    break
                now = time.monotonic()
                if number == 0:
                    self._began = now
                seconds = now - self._began
                if stop is not None and seconds >= stop:
                    break
                rgb = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
                yield Frame(number, seconds, rgb)
                number += 1
        finally:
            self._capture.release()
        if number == 0:
            raise VideoError(f"{self.name} gave no frame", "a working camera", "check it")


def _error_count() -> int:
    return int(av.logging.get_last_error()[0])


def _open_silently(index: int) -> Any:
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(index)
    finally:
        cv2.utils.logging.setLogLevel(level)
