"""Figures as SVG text inside the page: shapes, a plot with two axes, captions.

Colours are CSS classes of template/style.css, which defines them for light, dark and print.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

from markupsafe import Markup

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]

WIDTH = 480.0
"""Width of a figure in its own units; a phone shows it at about three quarters of that."""

_SMALLEST_RANGE = 1e-9
"""A smaller range is drawn as the range from 0 to 1."""


@dataclass(frozen=True)
class Figure:
    """Drawings with their title, caption and numbers."""

    title: str
    caption: str
    """How to read the figure."""
    drawings: tuple[Markup, ...]
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    """The same numbers as a table."""


@dataclass(frozen=True)
class Scale:
    """Linear map from values to positions: `low` -> `start`, `high` -> `stop`."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """Return the position of a value, also outside the range."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)


class Drawing:
    """Shapes on a canvas; `title` is its text alternative.

    Each shape has a CSS class, `css`, and may have a tooltip.
    """

    def __init__(self, width: float, height: float, title: str) -> None:
        self._root = ElementTree.Element(
            "svg",
            {
                "viewBox": f"0 0 {_number(width)} {_number(height)}",
                "role": "img",
                "aria-label": title,
            },
        )
        ElementTree.SubElement(self._root, "title").text = title

    def rect(
        self, x: float, y: float, width: float, height: float, css: str, tooltip: str = ""
    ) -> None:
        """Draw a rectangle; a negative width or height counts as 0."""
        sides = {"width": max(width, 0.0), "height": max(height, 0.0)}
        self._add("rect", css, tooltip, x=x, y=y, **sides)

    def line(self, start: Point, end: Point, css: str, tooltip: str = "") -> None:
        """Draw a straight line."""
        self._add("line", css, tooltip, x1=start[0], y1=start[1], x2=end[0], y2=end[1])

    def path(self, points: Iterable[Point], css: str, tooltip: str = "") -> None:
        """Draw straight lines from point to point."""
        self._add("polyline", css, tooltip).set("points", _points(points))

    def dot(self, x: float, y: float, radius: float, css: str, tooltip: str = "") -> None:
        """Draw a filled circle."""
        self._add("circle", css, tooltip, cx=x, cy=y, r=radius)

    def diamond(self, x: float, y: float, css: str, tooltip: str = "") -> None:
        """Draw a diamond, which differs from a dot also without colour."""
        corners = ((x, y - 6), (x + 5, y), (x, y + 6), (x - 5, y))
        self._add("polygon", css, tooltip).set("points", _points(corners))

    def text(
        self, x: float, y: float, text: str, anchor: Anchor = "start", css: str = "ink"
    ) -> None:
        """Write a line of text whose middle is at height y."""
        element = self._add("text", css, "", x=x, y=y + 4.5)
        element.set("text-anchor", anchor)
        element.text = text

    def image(self, width: float, height: float, address: str) -> None:
        """Draw a picture in the upper left corner; address: a data: URL."""
        element = self._add("image", "photo", "", x=0, y=0, width=width, height=height)
        element.set("href", address)

    def markup(self) -> Markup:
        """Return the SVG text, with all text in it escaped."""
        return Markup(ElementTree.tostring(self._root, encoding="unicode"))

    def _add(self, tag: str, css: str, tooltip: str, **numbers: float) -> ElementTree.Element:
        element = ElementTree.SubElement(self._root, tag, {"class": css})
        for name, value in numbers.items():
            element.set(name, _number(value))
        if tooltip:
            ElementTree.SubElement(element, "title").text = tooltip
        return element


@dataclass(frozen=True)
class Plot:
    """A drawing with a horizontal and a vertical axis."""

    drawing: Drawing
    x: Scale
    y: Scale

    def point(self, x: float, y: float) -> Point:
        """Return the position of the values x and y."""
        return self.x(x), self.y(y)

    def mark_x(self, values: Sequence[float]) -> None:
        """Draw a vertical grid line at each value, with the number below it."""
        for value in values:
            place = self.x(value)
            self.drawing.line((place, self.y.start), (place, self.y.stop), "grid")
            self.drawing.text(place, self.y.start + 14, f"{value:g}", "middle", "ink small")

    def mark_y(self, values: Sequence[float]) -> None:
        """Draw a horizontal grid line at each value, with the number to the left."""
        for value in values:
            place = self.y(value)
            self.drawing.line((self.x.start, place), (self.x.stop, place), "grid")
            self.drawing.text(self.x.start - 6, place, f"{value:g}", "end", "ink small")

    def name_axes(self, horizontal: str, vertical: str) -> None:
        """Name the horizontal axis, below it, and the vertical axis, above it."""
        self.drawing.text(self.x.stop, self.y.start + 32, horizontal, "end", "ink small")
        self.drawing.text(self.x.start - 6, self.y.stop - 14, vertical, "start", "ink small")
        self.drawing.line((self.x.start, self.y.start), (self.x.stop, self.y.start), "axis")


def plot(
    title: str,
    x: tuple[float, float],
    y: tuple[float, float],
    width: float = WIDTH,
    height: float = 300.0,
    left: float = 44.0,
    below: float = 42.0,
) -> Plot:
    """Return an empty plot for values in the ranges x and y.

    left, below: margins for `mark_x`, `mark_y`, `name_axes` and a legend, in drawing units.
    """
    drawing = Drawing(width, height, title)
    return Plot(drawing, Scale(*x, left, width - 14), Scale(*y, height - below, 26))


def nice_steps(high: float, most: int = 5) -> list[float]:
    """Return 0, s, 2 s, ... up to at least `high`; s is 1, 2 or 5 times a power of ten.

    There are at most `most` steps. For 0 the result is [0, 1]. Raises ValueError for a value that
    is negative or not finite.
    """
    if not (math.isfinite(high) and high >= 0):
        raise ValueError(f"high expected a finite number from 0, found {high}")
    if high < _SMALLEST_RANGE:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(high / most))
    # A tolerance for rounding: 3 steps of 0.1 are 0.30000000000000004.
    enough = high * (1 - 1e-9)
    step = next(size * power for size in (1, 2, 5, 10) if size * power * most >= enough)
    count = math.ceil(enough / step)
    return [step * number for number in range(count + 1)]


def _points(points: Iterable[Point]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
