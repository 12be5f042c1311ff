"""What became of everything that was named, counted and told in words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from fer_det.core.detection import Detection
from fer_det.predict.predict_files import LookedAt
from fer_det.predict.sources import Failure, Sources
from fer_det.predict.video.annotate import Watched
from fer_det.predict.video.timeline_picture import MOST_PANELS, clock
from fer_det.runtime.progress import format_seconds

MOST_NAMES = 20
"""Files that are named on the terminal; the tables name all."""


@dataclass
class Tally:
    """Counts, and the names that a user wants to see."""

    pictures: int = 0
    """Looked at."""
    faces: int = 0
    """In pictures."""
    without_face: int = 0
    names_without_face: list[str] = field(default_factory=list)
    """The first MOST_NAMES."""
    unread: int = 0
    """Pictures that could not be read."""
    failures: list[Failure] = field(default_factory=list)
    """All that could not be looked at, these pictures too."""

    def add(self, each: LookedAt) -> None:
        """Count a picture."""
        if each.pixels is None:
            self.failures.append(Failure(str(each.path), each.error))
            self.unread += 1
            return
        self.pictures += 1
        self.faces += len(each.faces)
        if not each.faces:
            self.without_face += 1
            if len(self.names_without_face) < MOST_NAMES:
                self.names_without_face.append(str(each.path))

    def describe_pictures(self) -> Iterator[str]:
        """The counts of the pictures, and which show no face."""
        yield (
            f"{_counted(self.pictures, 'picture')}: {_counted(self.faces, 'face')}, "
            f"no face in {self.without_face:,}, {self.unread:,} not read"
        )
        if 0 < self.without_face < self.pictures:
            yield from _named("no face", self.names_without_face, self.without_face)

    def describe_failures(self) -> Iterator[str]:
        """What could not be looked at, and why."""
        told = [failure.reason for failure in self.failures[:MOST_NAMES]]
        yield from _named("not read", told, len(self.failures))


def describe_picture(each: LookedAt) -> Iterator[str]:
    """A line a face."""
    if each.pixels is not None and not each.faces:
        yield f"{each.path}: no face"
    for face in each.faces:
        yield f"{each.path}: {_describe_face(face)}"


def describe_video(watched: Watched) -> Iterator[str]:
    """What was seen in a video: its speed, and the faces that were seen longest."""
    rate = watched.frames / watched.spent if watched.spent > 0 else 0.0
    yield (
        f"{watched.name}: {_counted(watched.frames, 'frame')} ({clock(watched.seconds)}) in "
        f"{format_seconds(watched.spent)}, {rate:.1f} frames/s; "
        + (_counted(len(watched.faces), "face") if watched.faces else "no face")
    )
    for face in sorted(watched.faces[:MOST_PANELS], key=lambda face: face.number):
        best = int(face.mean.argmax())
        yield (
            f"  face {face.number}: {clock(face.first)} to {clock(face.last)}, "
            f"{_counted(face.frames, 'frame')}, on average "
            f"{watched.expressions[best].label} {face.mean[best]:.2f}"
        )


def describe_passed_over(sources: Sources) -> Iterator[str]:
    """What was named and left alone."""
    if sources.passed_over:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sources.passed_over.most_common())
        yield f"in folders, neither picture nor video: {kinds}"
    if sources.repeated:
        yield f"named more than once and looked at once: {_counted(sources.repeated, 'file')}"


def printable(text: str) -> str:
    """The same without what a terminal cannot show: file names may hold any bytes."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def _describe_face(face: Detection) -> str:
    edges = ", ".join(f"{edge:.0f}" for edge in face.box.as_tuple())
    probability = face.probabilities[face.expression]
    return f"{face.expression.label} {probability:.2f}, face {face.score:.2f} at ({edges})"


def _named(what: str, names: list[str], count: int) -> Iterator[str]:
    yield from (f"{what}: {name}" for name in names)
    if count > len(names):
        yield f"{what}: and {count - len(names):,} more, named in the tables"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
