"""What was said of each face of a video over time, in a memory that does not grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fer_det.core.expression import Expression

BINS = 512
"""A face's time is kept in so many pieces; when they are full, each two become one."""
MOST_FACES = 64
"""Of more than this, faces seen most briefly are dropped first."""
FINEST = 1 / 16
"""Seconds of a piece at the beginning."""

Said: TypeAlias = tuple[Mapping[Expression, float], Expression]
"""A face's probabilities and its label."""


@dataclass(frozen=True, eq=False)
class FaceTime:
    """One face over the whole video."""

    number: int
    frames: int
    """In which it was seen."""
    first: float
    last: float
    """Seconds."""
    means: NDArray[np.float64]
    """[BINS, C]; NaN in pieces in which it was not seen."""
    labels: NDArray[np.int64]
    """[BINS]: which expression was its label longest; -1 where it was not seen."""
    mean: NDArray[np.float64]
    """[C], over all its frames."""


class _Face:
    def __init__(self, classes: int, seconds: float) -> None:
        self.sums = np.zeros((BINS, classes))
        self.labels = np.zeros((BINS, classes))
        """Frames by label; their sum is the number of frames."""
        self.first = self.last = seconds

    def halve(self) -> None:
        """Make each two pieces one."""
        self.sums, self.labels = _paired(self.sums), _paired(self.labels)


class Timeline:
    """Gathers the probabilities of faces as frames come."""

    def __init__(self, expressions: Sequence[Expression]) -> None:
        self.expressions = tuple(expressions)
        self.piece = FINEST
        """Seconds of a piece."""
        self.seconds = 0.0
        """Of the latest frame."""
        self.dropped = 0
        """Faces of which nothing is known any more."""
        self._faces: dict[int, _Face] = {}

    def add(self, seconds: float, faces: Mapping[int, Said]) -> None:
        """One frame: what is said of each face, by its number; `seconds` never goes back."""
        self.seconds = seconds
        while seconds >= BINS * self.piece:
            self.piece *= 2
            for face in self._faces.values():
                face.halve()
        for number, (probabilities, label) in faces.items():
            if number not in self._faces:
                self._make_room(seconds)
                self._faces[number] = _Face(len(self.expressions), seconds)
            face = self._faces[number]
            place = int(seconds / self.piece)
            face.sums[place] += [probabilities[expression] for expression in self.expressions]
            face.labels[place, self.expressions.index(label)] += 1
            face.last = seconds

    def faces(self) -> list[FaceTime]:
        """The faces, those seen in most frames first."""
        found = [self._face_time(number, face) for number, face in self._faces.items()]
        return sorted(found, key=lambda face: (-face.frames, face.number))

    def _make_room(self, seconds: float) -> None:
        """Drop the face that was seen most briefly, of those that are not just now."""
        if len(self._faces) < MOST_FACES:
            return
        gone = [number for number, face in self._faces.items() if face.last < seconds]
        if gone:
            del self._faces[min(gone, key=lambda number: self._faces[number].labels.sum())]
            self.dropped += 1

    def _face_time(self, number: int, face: _Face) -> FaceTime:
        counts = face.labels.sum(axis=1)
        seen = counts > 0
        return FaceTime(
            number=number,
            frames=int(counts.sum()),
            first=face.first,
            last=face.last,
            means=np.where(seen[:, None], face.sums / np.maximum(counts[:, None], 1), np.nan),
            labels=np.where(seen, face.labels.argmax(axis=1), -1),
            mean=face.sums.sum(axis=0) / counts.sum(),
        )


def _paired(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """[BINS, C] -> the same with each two rows added into one, the second half empty."""
    halved = rows.reshape(BINS // 2, 2, -1).sum(axis=1)
    return np.concatenate([halved, np.zeros_like(halved)])
