"""A face that the detector found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression


@dataclass(frozen=True)
class Detection:
    """A box, its face score, and a probability for each expression."""

    box: FaceBox
    score: float
    """Probability that the box holds a face, 0..1."""
    probabilities: Mapping[Expression, float]
    """Given that it is a face; they sum to 1."""

    @property
    def expression(self) -> Expression:
        """The most probable expression."""
        return max(self.probabilities, key=self.probabilities.__getitem__)


@dataclass(frozen=True)
class TrackedFace:
    """One face in one frame."""

    number: int
    """Number of the track, from 1: the same in all frames that show this face."""
    detection: Detection
    """The answer for this frame alone."""
    smoothed: Detection
    """The same box and score, with probabilities averaged over the last moments."""
    label: Expression
    """The expression that is shown; changes only when another is clearly ahead on average."""
