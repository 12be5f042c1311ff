"""Video files made with PyAV, plain and damaged."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

CLOCK = Fraction(1, 1000)


def write_film(
    path: Path | str,
    frames: Sequence[NDArray[np.uint8]],
    rate: int = 10,
    codec: str = "libx264",
    times: Sequence[float] | None = None,
    sound: str | None = None,
    turned: int = 0,
    mirrored: bool = False,
    options: dict[str, str] | None = None,
) -> Path:
    """Write frames [H, W, 3] RGB, at even `times` or at those given in seconds.

    sound: an audio codec, for a click at each eighth of a second that is odd. turned, mirrored: the
    display matrix, as phones write it.
    """
    with av.open(str(path), "w", options=options or {}) as output:
        stream: Any = output.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = {"mjpeg": "yuvj420p", "gif": "rgb8"}.get(codec, "yuv420p")
        if times is not None:
            stream.codec_context.time_base = CLOCK
        clicks: Any = output.add_stream(sound, rate=48_000) if sound else None
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            if times is not None:
                frame.pts, frame.time_base = round(times[number] / CLOCK), CLOCK
            output.mux(stream.encode(frame))
        if clicks is not None:
            seconds = times[-1] if times else len(frames) / rate
            for number in range(int(4 * seconds)):
                wave = np.zeros((1, 12_000), np.int16)
                wave[0, 6_000:6_200] = 20_000
                piece = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
                piece.sample_rate, piece.pts = 48_000, 12_000 * number
                output.mux(clicks.encode(piece))
            output.mux(clicks.encode(None))
        output.mux(stream.encode(None))
    if turned or mirrored:
        _turn(Path(path), turned, mirrored)
    return Path(path)


def _turn(path: Path, degrees: int, mirrored: bool) -> None:
    """Write the display matrix of an MP4: anticlockwise by degrees, then left for right.

    ISO/IEC 14496-12, 8.3.2: x' = a x + c y and y' = b x + d y, with y pointing down.
    """
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40
    cosine, sine = round(np.cos(np.deg2rad(degrees))), round(np.sin(np.deg2rad(degrees)))
    left = -1 if mirrored else 1
    a, b, c, d = left * cosine, -sine, left * sine, cosine
    data[place : place + 20] = struct.pack(">5i", a << 16, b << 16, 0, c << 16, d << 16)
    path.write_bytes(data)


def levels(path: Path | str) -> list[int]:
    """The mean of each frame."""
    with av.open(str(path)) as container:
        return [
            round(float(frame.to_ndarray(format="rgb24").mean()))
            for frame in container.decode(video=0)
        ]


def clicks(path: Path | str) -> list[float]:
    """Seconds after the first frame at which the sound is loud."""
    loud: list[float] = []
    with av.open(str(path)) as container:
        start = next(container.decode(video=0)).time
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            wave = np.abs(frame.to_ndarray().astype(float)).max(axis=0)
            places = np.flatnonzero(wave > 0.2 * (32_767 if wave.max() > 2 else 1))
            loud += [frame.time - start + place / frame.sample_rate for place in places]
    bursts = np.split(np.array(loud), np.flatnonzero(np.diff(loud) > 0.1) + 1)
    return [float(burst.mean()) for burst in bursts]
