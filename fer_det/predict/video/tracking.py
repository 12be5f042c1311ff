"""Follow faces through the frames of a video: numbers, averaged probabilities, stable labels."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fer_det.core.box import FaceBox
from fer_det.core.detection import TrackedFace
from fer_det.core.expression import Expression
from fer_det.predict.pictures import FindsFaces, in_batches
from fer_det.predict.video.frames import Frame

LABEL_MARGIN = 0.1
"""How much more probable another expression must be on average to become a track's label."""
RATE_SECONDS = 2.0
"""Time over which frames per second are counted."""

Probabilities = Mapping[Expression, float]


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """A frame and the faces in it."""

    frame: Frame
    faces: tuple[TrackedFace, ...]
    """Highest score first."""
    rate: float
    """Frames per second over the last seconds, from reading to output; 0 for the first frame."""


def track_video(
    frames: Iterable[Frame],
    predictor: FindsFaces,
    min_score: float,
    smoothing: float,
    batch_size: int,
) -> Iterator[TrackedFrame]:
    """Predict and track the faces of frames in their order, `batch_size` frames at a time.

    smoothing: seconds, see Smoother; 0 for each frame's own probabilities. The memory used does not
    depend on the number of frames.
    """
    tracker, smoother, rate = FaceTracker(), Smoother(smoothing), FrameRate()
    labels = LabelKeeper(LABEL_MARGIN if smoothing else 0.0)
    for batch in in_batches(frames, batch_size, lambda frame: frame.pixels.size // 3):
        answers = predictor([frame.pixels for frame in batch], min_score, batch_size)
        for frame, every in zip(batch, answers, strict=True):
            # There is nothing to average of a face that is too small.
            found = [face for face in every if face.probabilities]
            numbers = tracker.assign([face.box for face in found], frame.seconds)
            smoother.keep_only(tracker.numbers)
            labels.keep_only(tracker.numbers)
            faces = []
            for number, face in zip(numbers, found, strict=True):
                mean = smoother.update(number, face.probabilities, frame.seconds)
                smoothed = replace(face, probabilities=mean)
                faces.append(TrackedFace(number, face, smoothed, labels.update(number, mean)))
            yield TrackedFrame(frame, tuple(faces), rate.tick(time.monotonic()))


@dataclass(frozen=True)
class _Track:
    box: FaceBox
    """Last place of the face."""
    seconds: float
    frame: int
    """Time and frame of that place."""


class FaceTracker:
    """Numbers faces so that a face keeps its number, by the overlap of boxes between frames.

    A face that is not found for up to `patience` seconds, or for `patient_frames` frames where
    those take longer, keeps its number: the next box that overlaps its last place by at least
    `min_iou` gets it.
    """

    def __init__(
        self, min_iou: float = 0.3, patience: float = 1.0, patient_frames: int = 2
    ) -> None:
        self._min_iou = min_iou
        self._patience = patience
        self._patient_frames = patient_frames
        self._frame = 0
        self._tracks: dict[int, _Track] = {}
        self._last_number = 0

    @property
    def numbers(self) -> frozenset[int]:
        """Tracks that may go on."""
        return frozenset(self._tracks)

    def assign(self, boxes: Sequence[FaceBox], seconds: float) -> list[int]:
        """Boxes of the next frame -> the number, from 1, of each; all differ."""
        self._frame += 1
        self._tracks = {
            number: track
            for number, track in self._tracks.items()
            if seconds - track.seconds <= self._patience
            or self._frame - track.frame - 1 <= self._patient_frames
        }
        number_of = self._match(boxes)
        numbers = []
        for place, box in enumerate(boxes):
            if place not in number_of:
                self._last_number += 1
                number_of[place] = self._last_number
            self._tracks[number_of[place]] = _Track(box, seconds, self._frame)
            numbers.append(number_of[place])
        return numbers

    def _match(self, boxes: Sequence[FaceBox]) -> dict[int, int]:
        """Place in `boxes` -> track number, largest overlap first; new faces are left out."""
        overlaps = sorted(
            (
                (track.box.iou(box), -number, -place)
                for number, track in self._tracks.items()
                for place, box in enumerate(boxes)
            ),
            reverse=True,
        )
        number_of: dict[int, int] = {}
        taken: set[int] = set()
        for iou, minus_number, minus_place in overlaps:
            number, place = -minus_number, -minus_place
            if iou >= self._min_iou and place not in number_of and number not in taken:
                number_of[place] = number
                taken.add(number)
        return number_of


@dataclass(frozen=True)
class _Mean:
    """An exponentially weighted sum of one track's probabilities."""

    total: Probabilities
    weight: float
    seconds: float


class Smoother:
    """Averages each track's probabilities over time, with weights exp(-age / `seconds`).

    The sum of weights is divided out, so that the first frames of a track count alike. 0 seconds:
    no averaging.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._means: dict[int, _Mean] = {}

    def update(self, number: int, probabilities: Probabilities, seconds: float) -> Probabilities:
        """Update the running mean of track `number`'s probabilities and return it."""
        kept = self._decayed(number, seconds)
        total = {
            expression: probability + (kept.total[expression] if kept else 0.0)
            for expression, probability in probabilities.items()
        }
        weight = 1.0 + (kept.weight if kept else 0.0)
        self._means[number] = _Mean(total, weight, seconds)
        return {expression: each / weight for expression, each in total.items()}

    def keep_only(self, numbers: Collection[int]) -> None:
        """Drop all other tracks."""
        self._means = {n: mean for n, mean in self._means.items() if n in numbers}

    def _decayed(self, number: int, seconds: float) -> _Mean | None:
        mean = self._means.get(number)
        if mean is None or self._seconds == 0:
            return None
        left = math.exp(-max(0.0, seconds - mean.seconds) / self._seconds)
        total = {expression: left * each for expression, each in mean.total.items()}
        return _Mean(total, left * mean.weight, seconds)


class LabelKeeper:
    """Keeps a track's label until another expression is more probable by more than `margin`."""

    def __init__(self, margin: float) -> None:
        self._margin = margin
        self._labels: dict[int, Expression] = {}

    def update(self, number: int, probabilities: Probabilities) -> Expression:
        """The label of track `number`, given its averaged probabilities in this frame."""
        best = max(probabilities, key=probabilities.__getitem__)
        label = self._labels.get(number, best)
        if probabilities[best] - probabilities[label] > self._margin:
            label = best
        self._labels[number] = label
        return label

    def keep_only(self, numbers: Collection[int]) -> None:
        """Drop all other tracks."""
        self._labels = {n: label for n, label in self._labels.items() if n in numbers}


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
