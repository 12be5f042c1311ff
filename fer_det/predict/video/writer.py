"""Write an annotated video as MP4 that browsers play: H.264 or VP9, with the source's sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.errors import OutputError
from fer_det.io.files import atomic_path, make_folder
from fer_det.io.video import open_container
from fer_det.predict.video.frames import Camera, VideoFile

_CLOCK = Fraction(1, 90_000)
"""Unit of time stamps in the file, in seconds."""
# Without B-frames: a frame may stand for seconds, and its end would be cut off with them.
_ENCODERS = {
    "libx264": {"crf": "20", "preset": "veryfast", "bf": "0"},
    "libvpx-vp9": {"crf": "30", "b": "0", "deadline": "realtime", "cpu-used": "6"},
}
"""In order of preference; PyAV's wheels have both, other builds of FFmpeg may have one."""
_COPIED_SOUND = ("aac", "mp3", "opus", "flac")
"""Sound that browsers play from MP4; other sound is encoded as AAC."""
_PRIMING = 0.06
"""Seconds of sound before the first frame that decoders need and do not play."""
_AAC_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


class VideoWriter:
    """Takes frames with their times; the file appears, whole and read back, or not at all.

    Used as a context manager. An error of writing does not interrupt the block: the frames after it
    are ignored, and the end of the block raises OutputError.
    """

    def __init__(self, path: Path, source: VideoFile | Camera) -> None:
        self.count = 0
        """Frames written."""
        self.begin = 0.0
        """Seconds of the source at which the film begins."""
        self._path, self._source = path, source
        self._stack = ExitStack()
        self._failure: OutputError | None = None
        self._output: Any = None
        self._stream: Any = None
        self._sound: _Sound | None = None
        self._last = -1

    def __enter__(self) -> VideoWriter:
        return self

    def write(self, pixels: NDArray[np.uint8], seconds: float) -> None:
        """Add [H, W, 3] RGB, shown from `seconds`, as in Frame, until the next one."""
        if self._failure is not None:
            return
        try:
            if self._output is None:
                self.begin = seconds
                self._open(pixels.shape[1], pixels.shape[0])
            seconds -= self.begin
            frame = av.VideoFrame.from_ndarray(self._fitted(pixels), format="rgb24")
            self._last = max(self._last + 1, round(seconds / _CLOCK))
            frame.pts, frame.time_base = self._last, _CLOCK
            self._output.mux(self._stream.encode(frame))
            if self._sound is not None:
                self._sound.copy_until(seconds)
            self.count += 1
        except (av.FFmpegError, OSError) as error:
            self._fail(error)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._close()
            self._stack.__exit__(kind, error, at)
            return
        if self._failure is None:
            try:
                self._finish()
            except (av.FFmpegError, OSError) as failure:
                self._fail(failure)
        if self._failure is not None:
            raise self._failure

    def _open(self, width: int, height: int) -> None:
        make_folder(self._path.parent)
        self._temporary = self._stack.enter_context(atomic_path(self._path))
        options = {"movflags": "+faststart"}
        # The index stands at the beginning, so that a browser can start before it has the whole.
        self._output = av.open(f"file:{self._temporary}", "w", format="mp4", options=options)
        encoder = next(name for name in _ENCODERS if name in av.codecs_available)
        rate = Fraction(self._source.rate).limit_denominator(1001)
        self._stream = self._output.add_stream(encoder, rate=rate, options=_ENCODERS[encoder])
        # Colour is stored for blocks of 2 x 2 pixels.
        self._stream.width, self._stream.height = width + width % 2, height + height % 2
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base, context.sample_aspect_ratio = _CLOCK, self._source.aspect
        # As swscale converts RGB by default: BT.601, limited range.
        context.colorspace, context.color_range = 6, 1
        if isinstance(self._source, VideoFile):
            self._sound = _Sound(self._source, self.begin, self._output)

    def _fitted(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Pixels of the file's size: a row or column repeated, or scaled if the source changed."""
        width, height = self._stream.width, self._stream.height
        below, right = height - pixels.shape[0], width - pixels.shape[1]
        if (below, right) == (0, 0):
            return pixels
        if below in (0, 1) and right in (0, 1):
            return np.pad(pixels, ((0, below), (0, right), (0, 0)), "edge")
        scaled = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        return scaled.astype(np.uint8, copy=False)

    def _finish(self) -> None:
        if self._output is None:
            return
        self._output.mux(self._stream.encode(None))
        if self._sound is not None:
            self._sound.copy_until(float(self._last * _CLOCK) + 1 / self._source.rate)
            self._sound.finish()
        self._output.close()
        found = _count_frames(self._temporary)
        if found != self.count:
            raise OSError(f"{found} of {self.count} frames can be read back")
        self._stack.close()

    def _close(self) -> None:
        if self._sound is not None:
            self._sound.close()
        if self._output is not None:
            # What cannot be written any more is deleted anyway.
            with suppress(av.FFmpegError, OSError):
                self._output.close()

    def _fail(self, error: Exception) -> None:
        self._close()
        if not isinstance(error, OutputError):
            reason = getattr(error, "strerror", None) or error
            error = OutputError(
                f"{self._path} could not be written ({reason})",
                "a folder with room that may be written",
                "free some space, choose another --out, or use --draw false",
            )
        self._failure = error
        with suppress(OSError):
            self._stack.__exit__(type(error), error, None)


class _Sound:
    """The sound of a video file, written into another container next to its frames.

    Sound that cannot be read is left out; errors of writing are raised.
    """

    def __init__(self, source: VideoFile, begin: float, output: Any) -> None:
        self._output, self._start = output, source.start + begin
        self._input = open_container(source.path)
        self._packets: Iterator[Any] = iter(())
        self._encoder: Any = None
        stream = self._input.streams.best("audio")
        if stream is None:
            return
        if stream.codec_context.codec.canonical_name in _COPIED_SOUND:
            self._stream = output.add_stream_from_template(stream)
        else:
            rate = stream.rate if stream.rate in _AAC_RATES else 48_000
            layout = "mono" if stream.channels == 1 else "stereo"
            self._stream = self._encoder = output.add_stream("aac", rate=rate, layout=layout)
        self._packets = self._input.demux(stream)

    def copy_until(self, seconds: float) -> None:
        """Write what sounds before `seconds` after the first frame."""
        while (packet := self._next_packet()) is not None:
            at = packet.pts * packet.time_base - self._start
            if at > -_PRIMING:
                self._write(packet)
            if at >= seconds:
                return

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if self._encoder is not None:
            self._output.mux(self._encoder.encode(None))

    def close(self) -> None:
        """Close the source."""
        self._input.close()

    def _next_packet(self) -> Any:
        with suppress(av.FFmpegError):
            for packet in self._packets:
                if packet.pts is not None and packet.dts is not None:
                    return packet
        return None

    def _write(self, packet: Any) -> None:
        shift = round(self._start / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        if self._encoder is None:
            packet.stream = self._stream
            self._output.mux(packet)
            return
        frames: list[Any] = []
        with suppress(av.FFmpegError):
            frames = packet.decode()
        for frame in frames:
            self._output.mux(self._encoder.encode(frame))


def _count_frames(path: Path) -> int:
    with open_container(path) as container:
        return sum(packet.size > 0 for packet in container.demux(container.streams.video[0]))
