"""Open video files with PyAV, turn their frames upright, and count or pick single frames."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from fer_det.errors import ImageError
from fer_det.imaging.decode import MAX_PIXELS

_DEMUXERS = (
    "mov,matroska,avi,flv,mpegts,mpeg,mpegvideo,ogg,asf,mxf,yuv4mpegpipe,h264,hevc,m4v,dv,rm,ivf"
)
"""FFmpeg's readers that are allowed: those of one file, no playlists that name other files."""
_REMEDY = "replace the file or leave it out"

# FFmpeg's messages are counted by readers that need them, and not printed.
av.logging.set_level(av.logging.PANIC)


def open_container(path: Path) -> Any:
    """Open a video file with PyAV, which then reads that file and no other; raises FFmpegError."""
    options = {"protocol_whitelist": "file", "format_whitelist": _DEMUXERS}
    return av.open(f"file:{path}", container_options=options, metadata_errors="replace")


def upright(frame: Any) -> NDArray[np.uint8]:
    """PyAV's frame as [H, W, 3] uint8 RGB, turned and mirrored as its display matrix asks."""
    pixels: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    (across, down), (right, below) = display_matrix(frame)
    # The matrix takes a column (x, y) to (across x + right y, down x + below y).
    if not across:
        pixels, across, below = pixels.swapaxes(0, 1), right, down
    pixels = pixels[:: -1 if below < 0 else 1, :: -1 if across < 0 else 1]
    return np.ascontiguousarray(pixels)


def display_matrix(frame: Any) -> NDArray[np.int64]:
    """[2, 2] of -1, 0 and 1: ISO/IEC 14496-12's a, b, c, d, rounded to quarter turns."""
    for entry in frame.side_data:
        if entry.type.name == "DISPLAYMATRIX":
            a, b, _, c, d = struct.unpack("<5i", bytes(entry)[:20])
            matrix = np.array([[a, b], [c, d]]) / 65536
            if abs(abs(np.linalg.det(matrix)) - 1) < 0.1:
                return np.rint(matrix).astype(np.int64)
    return np.eye(2, dtype=np.int64)


def count_frames(path: Path) -> int:
    """Frames of a video: by its header, or else its packets, none of which is decoded.

    0 for a file that is absent or no video.
    """
    try:
        with open_container(path) as container:
            if not container.streams.video:
                return 0
            stream = container.streams.video[0]
            # The packet that ends the stream is empty.
            return int(stream.frames) or sum(1 for each in container.demux(stream) if each.size)
    except (av.FFmpegError, OSError):
        return 0


def read_frame(path: Path, number: int) -> NDArray[np.uint8]:
    """The frame of that number, from 0, as [H, W, 3] uint8 RGB, upright.

    All frames before it are decoded, as seeking is not exact in every format. Raises ImageError
    where the file is no video or ends earlier.
    """
    decoded = 0
    try:
        with open_container(path) as container:
            for frame in container.decode(video=0):
                if frame.width * frame.height > MAX_PIXELS:
                    raise ImageError(
                        f"{path} has frames of {frame.width} x {frame.height} pixels",
                        f"at most {MAX_PIXELS:,} pixels",
                        _REMEDY,
                    )
                if decoded == number:
                    return upright(frame)
                decoded += 1
    except (av.FFmpegError, OSError, IndexError) as error:
        raise ImageError(f"{path} is broken or no video", "a video file", _REMEDY) from error
    raise ImageError(f"{path} has {decoded} frames", f"a frame number {number}", _REMEDY)
