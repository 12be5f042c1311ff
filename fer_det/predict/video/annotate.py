"""Predict videos and cameras: frames to tables, annotated video, timeline picture and window."""

from __future__ import annotations

import signal
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fer_det.config.predict import PredictConfig
from fer_det.core.expression import Expression
from fer_det.errors import OutputError, VideoError
from fer_det.io.files import make_folder, write_bytes
from fer_det.predict.outputs import Outputs, page_path, timeline_path
from fer_det.predict.predictor import Predictor
from fer_det.predict.results import Results, counted, say
from fer_det.predict.sources import Failure, SourceFile
from fer_det.predict.video.frames import Camera, VideoFile
from fer_det.predict.video.page import render_page
from fer_det.predict.video.people import People, Person
from fer_det.predict.video.screen import Window, draw_frame
from fer_det.predict.video.tables import TrackTables
from fer_det.predict.video.timeline import (
    LEAST_FRAMES,
    FaceTime,
    Timeline,
    clock,
    describe_face,
    draw_timeline,
    main_faces,
)
from fer_det.predict.video.tracking import TrackedFrame, track_video
from fer_det.predict.video.writer import VideoWriter
from fer_det.runtime.progress import format_seconds, printable, track

MOST_ROWS = 30
"""Tracks of LEAST_FRAMES or more that have a row on the page; people.csv has all."""


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
    begin: float = 0.0
    """Seconds of the first frame."""
    dropped: int = 0
    """Frames of a camera that were left out, since newer ones had come."""
    cuts: int = 0
    """Scenes after the first."""
    seen: float = 0.0
    """Seconds that all tracks together were seen."""
    switches: int = 0
    frame_switches: int = 0
    """Changes of the labels of all tracks, and of each frame's most probable expression."""
    delays: Sequence[float] = ()
    """Seconds from each frame of a camera to its answer."""
    more: int = 0
    """Faces that `faces` leaves out, which were seen in fewer frames."""


@dataclass(frozen=True, eq=False)
class VideoOutputs:
    """Where the answers to one video go."""

    results: Results
    tables: TrackTables
    drawn: Path | None
    """The annotated video, next to which timeline and page are written; None for none."""
    window: Window | None


def predict_videos(
    files: list[SourceFile],
    cameras: list[Camera],
    predictor: Predictor,
    config: PredictConfig,
    outputs: Outputs,
    results: Results,
    tables: TrackTables,
    window: Window | None,
) -> None:
    """Predict all videos, then all cameras; one that cannot be read is a line in `results`."""

    def predict(source: VideoFile | Camera) -> None:
        # A camera's frame is shown before the next one is read.
        batch_size = 1 if source.live else config.batch_size
        rate, total = source.rate, None
        if isinstance(source, VideoFile):
            part = config.stop, config.start, config.every
            frames, total = source.frames(*part), source.count_frames(*part)
            rate /= config.every
        else:
            frames = source.frames(config.seconds)
        tracked = track_video(
            frames,
            predictor,
            config.min_score,
            config.smoothing,
            batch_size,
            rate,
            predictor.runner.unknown_below,
        )
        drawn = outputs.videos.get(source.name)
        out = VideoOutputs(results, tables, drawn, window)
        summary = annotate_video(source, tracked, predictor.expressions, out, rate, total)
        say(describe_video(summary))
        if source.damage:
            results.add_failure(Failure(source.name, source.damage), "not read whole")

    for file in files:
        # `Sources` has no remote videos.
        assert isinstance(file.path, Path)
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
    out: VideoOutputs,
    rate: float,
    total: int | None = None,
) -> VideoSummary:
    """Take the tracked `frames` of `source` to their end, and write and show what is wanted.

    rate: frames per second. total: number of frames, if known. Ctrl-C ends a camera; a key in the
    window ends either. An output that cannot be written is a line in the results. Raises
    VideoError if there is no frame.
    """
    timeline, people = Timeline(expressions, rate), People(rate)
    results, drawn, window = out.results, out.drawn, out.window
    ended: list[Person] = []
    delays = array("f")
    count = cuts = switches = frame_switches = 0
    begin = last = seen = 0.0

    def end(persons: Iterable[Person]) -> None:
        nonlocal seen, switches, frame_switches
        for person in persons:
            out.tables.add_person(source.name, person)
            seen += person.seen
            switches += person.switches
            frame_switches += person.frame_switches
            # The page has rows for those with most frames.
            if person.frames >= LEAST_FRAMES:
                ended.append(person)
            ended.sort(key=lambda each: -each.frames)
            del ended[MOST_ROWS:]

    began = time.monotonic()
    try:
        with ExitStack() as stack:
            stopped = stack.enter_context(_ctrl_c_as_flag()) if source.live else _never
            writer = stack.enter_context(VideoWriter(drawn, source)) if drawn else None
            for tracked in track(frames, total, printable(source.name), "frames"):
                frame = tracked.frame
                if isinstance(source, Camera):
                    delays.append(source.age(frame))
                begin = frame.seconds if count == 0 else begin
                count, last, cuts = count + 1, frame.seconds, cuts + tracked.cut
                results.add_frame(source.name, frame.number, frame.seconds, tracked.faces)
                out.tables.add_frame(source.name, frame.number, frame.seconds, tracked.faces)
                end(people.add(frame.seconds, tracked.faces, tracked.alive))
                answers = {f.number: (f.smoothed.probabilities, f.label) for f in tracked.faces}
                timeline.add(frame.seconds, answers)
                if not _present(tracked, writer, window) or stopped():
                    break
    except OutputError as error:
        results.add_unwritten(error)
    end(people.finish())
    if drawn is not None:
        try:
            make_folder(drawn.parent)
            title = printable(source.name)
            write_bytes(timeline_path(drawn), draw_timeline(timeline, title))
            rows = sorted(ended, key=lambda person: person.number)
            page = render_page(title, drawn.name, timeline, begin, rows)
            write_bytes(page_path(drawn), page.encode())
        except OutputError as error:
            results.add_unwritten(error)
    return VideoSummary(
        name=source.name,
        frames=count,
        seconds=last,
        spent=time.monotonic() - began,
        expressions=expressions,
        faces=tuple(timeline.faces()),
        begin=begin,
        dropped=source.dropped,
        cuts=cuts,
        seen=seen,
        switches=switches,
        frame_switches=frame_switches,
        delays=delays,
        more=timeline.dropped,
    )


def describe_video(summary: VideoSummary) -> Iterator[str]:
    """Length and speed, how steady the labels are, and the faces with most frames."""
    rate = summary.frames / summary.spent if summary.spent > 0 else 0.0
    faces = len(summary.faces) + summary.more
    yield (
        f"{summary.name}: {counted(summary.frames, 'frame')} "
        f"({clock(summary.seconds - summary.begin)}) in "
        f"{format_seconds(summary.spent)}, {rate:.1f} frames/s; "
        + (counted(faces, "face") if faces else "no face")
    )
    if summary.dropped:
        all_frames = summary.frames + summary.dropped
        yield f"  {summary.dropped:,} of {all_frames:,} frames were dropped to keep up"
    if summary.delays:
        slow, half = np.percentile(summary.delays, (95, 50)) * 1000
        yield f"  from frame to answer: {half:.0f} ms (median), {slow:.0f} ms (95th percentile)"
    if summary.cuts:
        yield f"  {counted(summary.cuts, 'cut')}: faces after one have new numbers"
    if summary.seen:
        each = (summary.switches / summary.seen, summary.frame_switches / summary.seen)
        yield f"  label switches: {each[0]:.2f} a second of a face, {each[1]:.2f} frame by frame"
    for face in main_faces(summary.faces):
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
