"""The box of a face in a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

MIN_VISIBLE_PART = 0.3
"""A labelled face of which this share of the box or less is inside the picture is not used."""


@dataclass(frozen=True)
class FaceBox:
    """A box in float pixels counted from 0, the maximal edges exclusive.

    Raises ValueError for a box that is not finite or has no area.
    """

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(edge) for edge in self.as_tuple()):
            raise ValueError(f"box {self.as_tuple()} is not finite")
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"box {self.as_tuple()} has no area")

    @property
    def width(self) -> float:
        """Pixels."""
        return self.x_max - self.x_min

    @property
    def height(self) -> float:
        """Pixels."""
        return self.y_max - self.y_min

    @property
    def longer_side(self) -> float:
        """Pixels."""
        return max(self.width, self.height)

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y) in pixels."""
        return (self.x_min + self.x_max) / 2, (self.y_min + self.y_max) / 2

    def as_tuple(self) -> tuple[float, float, float, float]:
        """(x_min, y_min, x_max, y_max)."""
        return self.x_min, self.y_min, self.x_max, self.y_max

    def iou(self, other: FaceBox) -> float:
        """Intersection over union, 0..1."""
        shared = self._intersection(other)
        return shared / (self.area + other.area - shared)

    def contains(self, x: float, y: float) -> bool:
        """Whether the point (x, y) is inside."""
        return self.x_min <= x < self.x_max and self.y_min <= y < self.y_max

    def moved(self, dx: float, dy: float) -> FaceBox:
        """The same box, shifted by (dx, dy) pixels."""
        return FaceBox(self.x_min + dx, self.y_min + dy, self.x_max + dx, self.y_max + dy)

    def scaled(self, x: float, y: float) -> FaceBox:
        """The same box in the picture when it is x times as wide and y times as high."""
        return FaceBox(x * self.x_min, y * self.y_min, x * self.x_max, y * self.y_max)

    def clipped(self, width: int, height: int) -> FaceBox | None:
        """The part of the box inside a picture of that size, None where there is none."""
        x_min, x_max = max(self.x_min, 0.0), min(self.x_max, float(width))
        y_min, y_max = max(self.y_min, 0.0), min(self.y_max, float(height))
        if x_max <= x_min or y_max <= y_min:
            return None
        return FaceBox(x_min, y_min, x_max, y_max)

    def visible_part(self, width: int, height: int) -> float:
        """Share of the box's area inside a picture of that size, 0..1."""
        inside = self.clipped(width, height)
        return 0.0 if inside is None else inside.area / self.area

    def _intersection(self, other: FaceBox) -> float:
        width = min(self.x_max, other.x_max) - max(self.x_min, other.x_min)
        height = min(self.y_max, other.y_max) - max(self.y_min, other.y_min)
        return max(width, 0.0) * max(height, 0.0)
