"""Faces followed through the frames of a video, each with a number and a steady label."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.predict.grouping import in_groups
from fer_det.predict.video.frames import Frame
from fer_det.predict.video.rate import FrameRate
from fer_det.predict.video.smoothing import LabelKeeper, Smoother
from fer_det.predict.video.tracking import FaceTracker

LABEL_MARGIN = 0.1
"""How much more probable another expression must be on average to become a face's label."""


class FindsFaces(Protocol):
    """What is asked of a Predictor here."""

    def __call__(self, picture: list[NDArray[np.uint8]], min_score: float) -> list[list[Detection]]:
        """Pictures -> the faces of each."""


@dataclass(frozen=True)
class TrackedFace:
    """One face in one frame."""

    number: int
    """The same in all frames that show this face, from 1."""
    seen: Detection
    """What this frame alone says."""
    steady: Detection
    """The same box, with the probabilities averaged over the last moments."""
    label: Expression
    """The expression that is shown: of the averaged ones the most probable, or nearly so."""


@dataclass(frozen=True, eq=False)
class WatchedFrame:
    """A frame and what was seen in it."""

    frame: Frame
    faces: tuple[TrackedFace, ...]
    """Surest first."""
    rate: float
    """Frames per second, lately, from reading to answer and whatever is done in between."""


def watch(
    frames: Iterable[Frame],
    predictor: FindsFaces,
    min_score: float,
    smoothing: float,
    batch_size: int,
) -> Iterator[WatchedFrame]:
    """Look at frames in turn, `batch_size` at a time; needs no more memory for a longer video.

    smoothing: seconds, see Smoother; 0 for what each frame says by itself.
    """
    tracker, smoother, rate = FaceTracker(), Smoother(smoothing), FrameRate()
    labels = LabelKeeper(LABEL_MARGIN if smoothing else 0.0)
    for group in in_groups(frames, batch_size, lambda frame: frame.pixels.size // 3):
        answers = predictor([frame.pixels for frame in group], min_score)
        for frame, found in zip(group, answers, strict=True):
            numbers = tracker.follow([face.box for face in found], frame.seconds)
            smoother.forget_all_but(tracker.numbers)
            labels.forget_all_but(tracker.numbers)
            faces = []
            for number, face in zip(numbers, found, strict=True):
                mean = smoother.smooth(number, face.probabilities, frame.seconds)
                steady = replace(face, probabilities=mean)
                faces.append(TrackedFace(number, face, steady, labels.keep(number, mean)))
            yield WatchedFrame(frame, tuple(faces), rate.tick(time.monotonic()))
