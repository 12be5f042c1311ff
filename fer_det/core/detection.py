"""A face that was found in a picture or frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fer_det.core.box import FaceBox
from fer_det.core.expression import Expression

Flag = Literal["low_resolution", "too_small", "unknown"]
"""What a reader of a face's answer should know.

low_resolution: its expression is less certain than its probabilities say. too_small: it has a box
and no probabilities. unknown: its highest probability is below the checkpoint's threshold.
"""


@dataclass(frozen=True)
class Detection:
    """A box, its face score, and a probability for each expression."""

    box: FaceBox
    score: float
    """Probability that the box holds a face, 0..1."""
    probabilities: Mapping[Expression, float]
    """Given that it is a face; they sum to 1. Empty for a face that is too small."""
    flags: tuple[Flag, ...] = ()
    """See Flag."""

    @property
    def size(self) -> float:
        """The longer side of the box in pixels."""
        return self.box.longer_side

    @property
    def expression(self) -> Expression | None:
        """The most probable expression, None without probabilities."""
        if not self.probabilities:
            return None
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def label(self) -> str:
        """What is shown of it: the expression's label, 'unknown' or 'too small'."""
        if self.expression is None:
            return "too small"
        return "unknown" if "unknown" in self.flags else self.expression.label


@dataclass(frozen=True)
class TrackedFace:
    """One face in one frame."""

    number: int
    """Number of the track, from 1: the same in all frames that show this face."""
    detection: Detection
    """The answer for this frame alone."""
    smoothed: Detection
    """The same box and score, with probabilities averaged over the last moments."""
    label: Expression | None
    """The expression that is shown; changes only when another is clearly ahead on average. None
    while none is probable enough."""

    @property
    def label_name(self) -> str:
        """The label's word, or 'unknown'."""
        return "unknown" if self.label is None else self.label.label
