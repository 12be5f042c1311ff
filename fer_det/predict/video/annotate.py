"""Predict videos and cameras: frames to tables, annotated video, timeline picture and window."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_det.config.predict import PredictConfig
from fer_det.core.expression import Expression
from fer_det.errors import OutputError, VideoError
from fer_det.io.files import make_folder, write_bytes
from fer_det.predict.outputs import Outputs, timeline_path
from fer_det.predict.predictor import Predictor
from fer_det.predict.results import Results, counted, say
from fer_det.predict.sources import Failure, SourceFile
from fer_det.predict.video.frames import Camera, VideoFile
from fer_det.predict.video.screen import Window, draw_frame
from fer_det.predict.video.timeline import (
    MOST_PANELS,
    FaceTime,
    Timeline,
    clock,
    describe_face,
    draw_timeline,
)
from fer_det.predict.video.tracking import TrackedFrame, track_video
from fer_det.predict.video.writer import VideoWriter
from fer_det.runtime.progress import format_seconds, printable, track


@dataclass(frozen=True, eq=False)
class VideoSummary:
    """What was found in one video or from one camera."""

    name: str
    frames: int
    seconds: float
    """From the first frame to the last."""
    spent: float
    """Seconds that the work took."""
    expressions: tuple[Expression, ...]
    faces: tuple[FaceTime, ...]
    """Most frames first."""


def predict_videos(
    files: list[SourceFile],
    cameras: list[Camera],
    predictor: Predictor,
    config: PredictConfig,
    outputs: Outputs,
    results: Results,
    window: Window | None,
) -> None:
    """Predict all videos, then all cameras; one that cannot be read is a line in `results`."""

    def predict(source: VideoFile | Camera) -> None:
        # A camera's frame is shown before the next one is read.
        batch_size = 1 if source.live else config.batch_size
        frames = source.frames(config.seconds)
        tracked = track_video(frames, predictor, config.min_score, config.smoothing, batch_size)
        drawn = outputs.videos.get(source.name)
        summary = annotate_video(source, tracked, predictor.expressions, results, drawn, window)
        say(describe_video(summary))
        if source.damage:
            results.add_failure(Failure(source.name, source.damage), "not read whole")

    for file in files:
        try:
            predict(VideoFile(file.path))
        except VideoError as error:
            results.add_failure(Failure(str(file.path), error.found))
    for camera in cameras:
        if config.seconds is None:
            say([f"{camera.name}: press Ctrl-C to end"])
        try:
            predict(camera)
        except VideoError as error:
            results.add_failure(Failure(camera.name, error.found))


def annotate_video(
    source: VideoFile | Camera,
    frames: Iterator[TrackedFrame],
    expressions: tuple[Expression, ...],
    results: Results,
    drawn: Path | None,
    window: Window | None,
) -> VideoSummary:
    """Take the tracked `frames` of `source` to their end, and write and show what is wanted.

    drawn: the annotated video, next to which the timeline is written. Ctrl-C ends a camera; a key
    in the window ends either. An output that cannot be written is a line in `results`. Raises
    VideoError if there is no frame.
    """
    timeline = Timeline(expressions)
    count, last = 0, 0.0
    began = time.monotonic()
    try:
        with ExitStack() as stack:
            stopped = stack.enter_context(_ctrl_c_as_flag()) if source.live else _never
            writer = stack.enter_context(VideoWriter(drawn, source)) if drawn else None
            for tracked in track(frames, source.total, printable(source.name), "frames"):
                frame = tracked.frame
                count, last = frame.number + 1, frame.seconds
                results.add_frame(source.name, frame.number, frame.seconds, tracked.faces)
                answers = {f.number: (f.smoothed.probabilities, f.label) for f in tracked.faces}
                timeline.add(frame.seconds, answers)
                if not _present(tracked, writer, window) or stopped():
                    break
    except OutputError as error:
        results.add_unwritten(error)
    if drawn is not None:
        try:
            make_folder(drawn.parent)
            picture = draw_timeline(timeline, printable(source.name))
            write_bytes(timeline_path(drawn), picture)
        except OutputError as error:
            results.add_unwritten(error)
    return VideoSummary(
        name=source.name,
        frames=count,
        seconds=last,
        spent=time.monotonic() - began,
        expressions=expressions,
        faces=tuple(timeline.faces()),
    )


def describe_video(summary: VideoSummary) -> Iterator[str]:
    """Length and speed, and the faces with most frames."""
    rate = summary.frames / summary.spent if summary.spent > 0 else 0.0
    yield (
        f"{summary.name}: {counted(summary.frames, 'frame')} ({clock(summary.seconds)}) in "
        f"{format_seconds(summary.spent)}, {rate:.1f} frames/s; "
        + (counted(len(summary.faces), "face") if summary.faces else "no face")
    )
    for face in sorted(summary.faces[:MOST_PANELS], key=lambda face: face.number):
        yield f"  {describe_face(face, summary.expressions)}"


def _present(tracked: TrackedFrame, writer: VideoWriter | None, window: Window | None) -> bool:
    """Draw, write and show a frame, as far as wanted; False after the user has ended it."""
    if writer is None and window is None:
        return True
    pixels = draw_frame(tracked)
    if writer is not None:
        writer.write(pixels, tracked.frame.seconds)
    return window is None or window.show(pixels)


def _never() -> bool:
    return False


@contextmanager
def _ctrl_c_as_flag() -> Iterator[Callable[[], bool]]:
    """A function that is true after the first Ctrl-C; the second one interrupts as usual."""
    pressed = False

    def note(*_: Any) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
