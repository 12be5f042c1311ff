"""A video or camera from its first frame to its last: watched, drawn, shown and written down."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from fer_det.core.expression import Expression
from fer_det.io.files import atomic_writer, make_folder
from fer_det.predict.tables import Tables
from fer_det.predict.video.frame_drawing import draw_frame
from fer_det.predict.video.frames import FrameSource
from fer_det.predict.video.timeline import FaceTime, Timeline
from fer_det.predict.video.timeline_picture import draw_timeline
from fer_det.predict.video.track_video import WatchedFrame
from fer_det.predict.video.video_file import VideoFile, video_file
from fer_det.predict.video.window import Window
from fer_det.runtime.progress import track

WHOLE = 0.9
"""A file that ends before this part of the frames that it announces is told to be cut short."""


@dataclass(frozen=True, eq=False)
class Watched:
    """What became of one video or camera."""

    name: str
    frames: int
    seconds: float
    """From the first frame to the last."""
    spent: float
    """Seconds that it took."""
    expressions: tuple[Expression, ...]
    faces: tuple[FaceTime, ...]
    """Those seen in most frames first."""
    cut_short: str
    """What is missing of a file that ends too early, '' where nothing is."""


def film(
    source: FrameSource,
    frames: Iterator[WatchedFrame],
    expressions: tuple[Expression, ...],
    tables: Tables,
    drawn: Path | None,
    timeline_path: Path | None,
    window: Window | None,
) -> Watched:
    """Take `frames`, those of `source` watched, to their end; the files appear whole or not at all.

    A camera also ends by Ctrl-C, either by a key in the window. Raises VideoError where there is
    no frame, and OutputError.
    """
    timeline = Timeline(expressions)
    count, last, ended_by_user = 0, 0.0, False
    began = time.monotonic()
    with ExitStack() as stack:
        asked_to_end = stack.enter_context(_ctrl_c_as_a_question()) if source.live else _never
        video = None
        if drawn is not None:
            make_folder(drawn.parent)
            video = stack.enter_context(video_file(drawn, source.rate))
        for watched in track(frames, source.total, source.name, "frames"):
            tables.add_frame(source.name, watched)
            said = {face.number: (face.steady.probabilities, face.label) for face in watched.faces}
            timeline.add(watched.frame.seconds, said)
            count, last = watched.frame.number + 1, watched.frame.seconds
            ended_by_user = not _present(watched, source, video, window) or asked_to_end()
            if ended_by_user:
                break
    if timeline_path is not None:
        with atomic_writer(timeline_path) as file:
            Image.fromarray(draw_timeline(timeline, source.name)).save(file, "PNG")
    announced = source.total or 0
    missing = not ended_by_user and count < WHOLE * announced
    return Watched(
        name=source.name,
        frames=count,
        seconds=last,
        spent=time.monotonic() - began,
        expressions=expressions,
        faces=tuple(timeline.faces()),
        cut_short=f"{source.name} ends after {count} of {announced} frames" if missing else "",
    )


def _present(
    watched: WatchedFrame, source: FrameSource, video: VideoFile | None, window: Window | None
) -> bool:
    """Draw, write and show a frame, whichever is wanted; False once the user has had enough."""
    if video is None and window is None:
        return True
    pixels = draw_frame(watched)
    if video is not None:
        # A camera's frames come when they come; the file has them at an even pace.
        video.write(pixels, until=watched.frame.seconds if source.live else None)
    return window is None or window.show(pixels)


def _never() -> bool:
    return False


@contextmanager
def _ctrl_c_as_a_question() -> Iterator[Callable[[], bool]]:
    """While the block runs the first Ctrl-C only turns the answer to yes; the second interrupts."""
    asked = False

    def note(*_: Any) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
