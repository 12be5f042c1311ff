"""Follow faces through the frames of a video: numbers, averaged probabilities, steady labels."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from fer_det.core.detection import Detection, Flag, TrackedFace
from fer_det.core.expression import Expression
from fer_det.predict.pictures import FindsFaces, in_batches
from fer_det.predict.video.frames import FILE_RATE, Frame
from fer_det.predict.video.steady import LABEL_MARGIN, LabelKeeper, Smoother
from fer_det.predict.video.tracks import CutDetector, FaceTracker

LOW_SCORE = 0.5
"""A face that is followed is kept down to this part of --min_score."""
RATE_SECONDS = 2.0
"""Time over which frames per second are counted."""


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """A frame and the faces in it."""

    frame: Frame
    faces: tuple[TrackedFace, ...]
    """Highest score first."""
    rate: float
    """Frames per second over the last seconds, from reading to output; 0 for the first frame."""
    cut: bool = False
    """Whether it begins a new scene, in which all faces have new numbers."""
    alive: frozenset[int] = frozenset()
    """Numbers of the faces that may be seen again."""


def track_video(
    frames: Iterable[Frame],
    predictor: FindsFaces,
    min_score: float,
    smoothing: float,
    batch_size: int,
    rate: float = FILE_RATE,
    unknown_below: float = 0.0,
) -> Iterator[TrackedFrame]:
    """Predict and track the faces of frames in their order, `batch_size` frames at a time.

    smoothing: seconds, see Smoother; 0 for each frame's own probabilities. rate: frames per second,
    on average. unknown_below: see LabelKeeper. The memory used does not depend on the number of
    frames.
    """
    tracker, cuts, smoother = FaceTracker(rate, min_score), CutDetector(), Smoother(smoothing)
    speed = FrameRate()
    labels = LabelKeeper(LABEL_MARGIN if smoothing else 0.0, unknown_below)
    for batch in in_batches(frames, batch_size, lambda frame: frame.pixels.size // 3):
        least = LOW_SCORE * min_score
        answers = predictor([frame.pixels for frame in batch], least, batch_size)
        for frame, every in zip(batch, answers, strict=True):
            if cut := cuts.is_cut(frame.pixels):
                tracker.end_all()
            # There is nothing to average of a face that is too small.
            found = [face for face in every if face.probabilities]
            boxes, scores = [face.box for face in found], [face.score for face in found]
            numbers = tracker.assign(boxes, scores, frame.seconds)
            smoother.keep_only(tracker.numbers)
            labels.keep_only(tracker.numbers)
            faces = []
            for number, face in zip(numbers, found, strict=True):
                if number is not None:
                    mean = smoother.update(number, face.probabilities, frame.seconds)
                    label = labels.update(number, mean)
                    faces.append(TrackedFace(number, face, _smoothed(face, mean, label), label))
            now = speed.tick(time.monotonic())
            yield TrackedFrame(frame, tuple(faces), now, cut, tracker.numbers)


def _smoothed(
    face: Detection, mean: Mapping[Expression, float], label: Expression | None
) -> Detection:
    flags: list[Flag] = [flag for flag in face.flags if flag != "unknown"]
    if label is None:
        flags.append("unknown")
    return replace(face, probabilities=mean, flags=tuple(flags))


class FrameRate:
    """Counts frames per second over the last RATE_SECONDS."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque()

    def tick(self, now: float) -> float:
        """Count a frame that ended at `now`, in seconds -> frames per second; 0 for the first."""
        self._ends.append(now)
        while len(self._ends) > 2 and now - self._ends[0] > RATE_SECONDS:
            self._ends.popleft()
        passed = now - self._ends[0]
        return (len(self._ends) - 1) / passed if passed > 0 else 0.0
