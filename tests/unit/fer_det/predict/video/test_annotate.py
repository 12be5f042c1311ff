"""What the integration tests of predict cannot show: memory, and outputs that fail."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.predict.results import open_results
from fer_det.predict.video import tracking
from fer_det.predict.video.annotate import (
    VideoOutputs,
    VideoSummary,
    annotate_video,
    describe_video,
)
from fer_det.predict.video.frames import Frame
from fer_det.predict.video.tables import open_track_tables
from fer_det.predict.video.timeline import Timeline
from fer_det.predict.video.tracking import track_video

HOUR = 3600
STAY = 30
"""Frames after which other faces are shown: more come than the timeline keeps."""


class Source:
    """A video of one frame a second, as far as it is asked for more than its frames."""

    name, live, dropped, rate, aspect, damage = "hour.mp4", False, 0, 1.0, Fraction(1), ""


def comers_and_goers(
    picture: list[NDArray[np.uint8]], min_score: float, batch_size: int
) -> list[list[Detection]]:
    """Two faces a frame, now left and now right: wherever they come back they are others."""
    answers = []
    for pixels in picture:
        left = 300.0 * (int(pixels[0, 0, 0]) % 2)
        probabilities = dict.fromkeys(BASIC_EXPRESSIONS, 1 / 7)
        answers.append(
            [
                Detection(FaceBox(left, top, left + 50, top + 50), 0.9, probabilities)
                for top in (0.0, 100.0)
            ]
        )
    return answers


def annotate(frames: Iterator[Frame], folder: Path, drawn: Path | None) -> Any:
    source: Any = Source()
    predictor: Any = comers_and_goers
    tracked = track_video(frames, predictor, 0.5, 0.5, batch_size=8)
    with (
        open_results(folder / "a.jsonl", folder / "a.csv", BASIC_EXPRESSIONS) as results,
        open_track_tables(folder, BASIC_EXPRESSIONS) as tables,
    ):
        out = VideoOutputs(results, tables, drawn, None)
        summary = annotate_video(source, tracked, BASIC_EXPRESSIONS, out, rate=1.0)
    return summary, results


def test_memory_does_not_grow_with_an_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if each frame took a tenth of a second: the frame rate remembers two.
    ticks = (tick / 10 for tick in count())
    monkeypatch.setattr(tracking, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    used: list[int] = []

    def frames() -> Iterator[Frame]:
        for number in range(HOUR):
            yield Frame(number, float(number), np.full((2, 2, 3), number // STAY, np.uint8))
            if number in (HOUR // 2, HOUR - 1):
                gc.collect()
                used.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        summary, _ = annotate(frames(), tmp_path, None)
    finally:
        tracemalloc.stop()
    assert summary.frames == HOUR
    assert {face.frames for face in summary.faces} == {STAY}
    assert len(summary.faces) + summary.more == 2 * HOUR // STAY
    assert len(used) == 2
    # At half time the timeline has all the faces that it keeps. A list of the frames' times alone
    # would be more than this.
    assert used[1] - used[0] < 24 * HOUR / 2


def test_outputs_that_cannot_be_written_do_not_end_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    frames = (Frame(number, number / 1, np.zeros((64, 64, 3), np.uint8)) for number in range(20))
    summary, results = annotate(frames, tmp_path, tmp_path / "file" / "a.mp4")
    assert summary.frames == 20
    assert [line.split(":")[0] for line in results.failures] == ["not written", "not written"]
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 20


def test_a_video_in_words() -> None:
    timeline = Timeline(BASIC_EXPRESSIONS)
    likely = {each: 0.7 if each is BASIC_EXPRESSIONS[1] else 0.05 for each in BASIC_EXPRESSIONS}
    for frame in range(51):
        timeline.add(frame / 25, {7: (likely, BASIC_EXPRESSIONS[1])} if frame else {})
    faces = tuple(timeline.faces())
    assert list(describe_video(VideoSummary("a.mp4", 51, 2.0, 4.0, BASIC_EXPRESSIONS, faces))) == [
        "a.mp4: 51 frames (0:02) in 4 s, 12.8 frames/s; 1 face",
        "  face 7: 0:00 to 0:02, 50 frames, on average fear 0.70",
    ]
    summary = VideoSummary(
        "a.mp4",
        51,
        7.0,
        4.0,
        BASIC_EXPRESSIONS,
        (),
        5.0,
        9,
        1,
        seen=4.0,
        switches=1,
        frame_switches=9,
        delays=[0.05] * 10 + [0.2],
        more=1,
    )
    assert list(describe_video(summary)) == [
        "a.mp4: 51 frames (0:02) in 4 s, 12.8 frames/s; 1 face",
        "  9 of 60 frames were dropped to keep up",
        "  from frame to answer: 50 ms (median), 125 ms (95th percentile)",
        "  1 cut: faces after one have new numbers",
        "  label switches: 0.25 a second of a face, 2.25 frame by frame",
    ]
    empty = VideoSummary("a.mp4", 1, 0.0, 0.0, BASIC_EXPRESSIONS, ())
    assert list(describe_video(empty)) == ["a.mp4: 1 frame (0:00) in 0 s, 0.0 frames/s; no face"]
