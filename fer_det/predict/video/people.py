"""Sum up each face's track: when it was seen, what it showed, and how often its label changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fer_det.core.detection import TrackedFace
from fer_det.core.expression import Expression

LONGEST_GAP = 1.0
"""Seconds, or two frames, between two sights of a face that still count as seen."""
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Episode:
    """A time through which a label did not change."""

    label: str
    start: float
    seconds: float


@dataclass(frozen=True)
class Person:
    """One track, from its first frame to its last."""

    number: int
    frames: int
    first: float
    last: float
    """Seconds of the first and the last frame."""
    size: float
    """Mean of the longer side of the box, in pixels."""
    seconds: Mapping[str, float]
    """Label or 'unknown' -> seconds; together the time in which the face was seen."""
    longest: Episode
    """The longest episode of an expression; of unknown where there is no other."""
    switches: int
    """Changes of the label."""
    frame_switches: int
    """Changes of the most probable expression of each frame by itself."""

    @property
    def seen(self) -> float:
        """Seconds in which the face was seen."""
        return sum(self.seconds.values())

    @property
    def shares(self) -> dict[str, float]:
        """Label or 'unknown' -> its part of the time, 0..1."""
        total = self.seen
        return {label: seconds / total for label, seconds in self.seconds.items() if total}


class People:
    """Gathers tracks frame by frame; gives each as a Person when it has ended.

    The memory used depends on the tracks that go on, not on those that have ended.
    """

    def __init__(self, rate: float) -> None:
        """rate: frames per second; a track's last frame counts as long as one frame."""
        self._frame, self._gap = 1 / rate, max(LONGEST_GAP, 2 / rate)
        self._tallies: dict[int, _Tally] = {}

    def add(
        self, seconds: float, faces: Sequence[TrackedFace], alive: Iterable[int]
    ) -> Iterator[Person]:
        """Add a frame; -> the tracks that are not in `alive` any more."""
        yield from self._end(self._tallies.keys() - set(alive))
        for face in faces:
            if face.number not in self._tallies:
                self._tallies[face.number] = _Tally(face, seconds, self._gap)
            self._tallies[face.number].add(face, seconds)

    def finish(self) -> Iterator[Person]:
        """Return the tracks that went on until the end."""
        yield from self._end(set(self._tallies))

    def _end(self, numbers: set[int]) -> Iterator[Person]:
        for number in sorted(numbers):
            yield self._tallies.pop(number).person(self._frame)


class _Tally:
    def __init__(self, face: TrackedFace, seconds: float, gap: float) -> None:
        self._gap = gap
        self._number = face.number
        self._first = self._last = self._start = seconds
        self._frames = self._switches = self._frame_switches = 0
        self._size = 0.0
        self._label, self._raw = face.label_name, face.detection.expression
        self._seconds: dict[str, float] = {}
        self._longest: Episode | None = None

    def add(self, face: TrackedFace, seconds: float) -> None:
        passed = seconds - self._last
        self._spend(passed if passed <= self._gap else 0.0)
        if face.label_name != self._label:
            self._switches += 1
            self._end_episode(seconds)
            self._label = face.label_name
        raw: Expression | None = face.detection.expression
        self._frame_switches += raw != self._raw
        self._raw = raw
        self._frames += 1
        self._size += face.detection.size
        self._last = seconds

    def person(self, frame: float) -> Person:
        self._spend(frame)
        self._end_episode(self._last + frame)
        assert self._longest is not None
        return Person(
            self._number,
            self._frames,
            self._first,
            self._last,
            self._size / self._frames,
            self._seconds,
            self._longest,
            self._switches,
            self._frame_switches,
        )

    def _spend(self, seconds: float) -> None:
        self._seconds[self._label] = self._seconds.get(self._label, 0.0) + seconds

    def _end_episode(self, seconds: float) -> None:
        episode = Episode(self._label, self._start, seconds - self._start)
        self._start = seconds
        best = self._longest
        if best is None or _rank(episode) > _rank(best):
            self._longest = episode


def _rank(episode: Episode) -> tuple[bool, float]:
    return episode.label != UNKNOWN, episode.seconds
