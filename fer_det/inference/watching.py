"""Faces followed through the frames of a video, each with a number and a steady label."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fer_det.detection import Detection
from fer_det.inference.frames import Frame
from fer_det.inference.grouping import in_groups
from fer_det.inference.rate import FrameRate
from fer_det.inference.smoothing import Smoother
from fer_det.inference.tracking import FaceTracker


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

    smoothing: seconds; see Smoother.
    """
    tracker, smoother, rate = FaceTracker(), Smoother(smoothing), FrameRate()
    for group in in_groups(frames, batch_size, lambda frame: frame.pixels.size // 3):
        answers = predictor([frame.pixels for frame in group], min_score)
        for frame, found in zip(group, answers, strict=True):
            numbers = tracker.follow([face.box for face in found], frame.seconds)
            smoother.forget_all_but(tracker.numbers)
            faces = tuple(
                TrackedFace(number, face, _steady(smoother, number, face, frame.seconds))
                for number, face in zip(numbers, found, strict=True)
            )
            yield WatchedFrame(frame, faces, rate.tick(time.monotonic()))


def _steady(smoother: Smoother, number: int, face: Detection, seconds: float) -> Detection:
    return replace(face, probabilities=smoother.smooth(number, face.probabilities, seconds))
