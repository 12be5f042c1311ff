"""What the integration tests of predict cannot show: that a long video needs no more memory."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import BASIC_EXPRESSIONS
from fer_det.predict.tables import open_tables
from fer_det.predict.video import track_video as watching
from fer_det.predict.video.annotate import film
from fer_det.predict.video.frames import Frame, FrameSource
from fer_det.predict.video.track_video import watch

RATE = 1
HOUR = 3600 * RATE
STAY = 30
"""Frames after which other faces are shown: more come than the timeline keeps."""


class Endless:
    """A capture that nobody reads."""

    def get(self, what: int) -> float:
        return float({cv2.CAP_PROP_FPS: RATE, cv2.CAP_PROP_FRAME_COUNT: HOUR}.get(what, 0))


def comers_and_goers(picture: list[NDArray[np.uint8]], min_score: float) -> list[list[Detection]]:
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


def test_memory_does_not_grow_with_an_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if each frame took a tenth of a second: the frame rate remembers two.
    ticks = (tick / 10 for tick in count())
    monkeypatch.setattr(watching, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    used: list[int] = []

    def frames() -> Iterator[Frame]:
        for number in range(HOUR):
            pixels = np.full((2, 2, 3), number // STAY, np.uint8)
            yield Frame(number, number / RATE, pixels)
            if number in (HOUR // 2, HOUR - 1):
                gc.collect()
                used.append(tracemalloc.get_traced_memory()[0])

    capture: Any = Endless()
    source = FrameSource(capture, "hour.mp4", live=False)
    watched = watch(frames(), comers_and_goers, 0.5, 0.5, batch_size=8)
    with open_tables(tmp_path / "a.jsonl", tmp_path / "a.csv", BASIC_EXPRESSIONS) as tables:
        tracemalloc.start()
        try:
            seen = film(source, watched, BASIC_EXPRESSIONS, tables, None, None, None)
        finally:
            tracemalloc.stop()
    assert seen.frames == HOUR
    assert {face.frames for face in seen.faces} == {STAY}
    assert len(used) == 2
    # At half time the timeline has all the faces that it keeps. A list of the frames' times alone
    # would be more than this.
    assert used[1] - used[0] < 24 * HOUR / 2
