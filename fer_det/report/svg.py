"""Figures as SVG text that goes into a page: shapes, a plot with two axes, and what is said of it.

Colours are classes of template/style.css, so that light, dark and print are the page's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

from markupsafe import Markup

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]

WIDTH = 480.0
"""Of a figure in its own units; on a phone it is shown at about three quarters of that."""
LINE = 16.0
"""From one line of writing to the next."""


@dataclass(frozen=True)
class Figure:
    """A drawing and the words and numbers that go with it."""

    title: str
    reading: str
    """How to read it."""
    drawings: tuple[Markup, ...]
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    """The same as a table, for who cannot see it or wants the numbers."""


@dataclass(frozen=True)
class Scale:
    """Where values lie on an axis: `low` at `start`, `high` at `stop`, in the drawing's units."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """The place of a value; outside the ends as well."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)


class Drawing:
    """Shapes on a canvas, whose text alternative is `title`."""

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
        self, x: float, y: float, width: float, height: float, kind: str, told: str = ""
    ) -> None:
        """A rectangle; told: what is shown where the pointer rests on it."""
        self._add("rect", told, kind=kind, x=x, y=y, width=max(width, 0.0), height=max(height, 0.0))

    def line(self, start: Point, end: Point, kind: str, told: str = "") -> None:
        """A straight line."""
        self._add("line", told, kind=kind, x1=start[0], y1=start[1], x2=end[0], y2=end[1])

    def path(self, points: Iterable[Point], kind: str, told: str = "") -> None:
        """A line through the points."""
        words = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
        element = self._add("polyline", told, kind=kind)
        element.set("points", words)

    def dot(self, x: float, y: float, radius: float, kind: str, told: str = "") -> None:
        """A disc."""
        self._add("circle", told, kind=kind, cx=x, cy=y, r=radius)

    def mark(self, x: float, y: float, kind: str, told: str = "") -> None:
        """A diamond, which differs from a dot without any colour."""
        edges = ((x, y - 6), (x + 5, y), (x, y + 6), (x - 5, y))
        element = self._add("polygon", told, kind=kind)
        element.set("points", " ".join(f"{_number(a)},{_number(b)}" for a, b in edges))

    def text(
        self, x: float, y: float, words: str, anchor: Anchor = "start", kind: str = "ink"
    ) -> None:
        """A line of writing whose middle is at height y."""
        element = self._add("text", "", kind=kind, x=x, y=y + 4.5)
        element.set("text-anchor", anchor)
        element.text = words

    def image(self, width: float, height: float, address: str) -> None:
        """A picture from the upper left corner on; address: a data: one."""
        element = self._add("image", "", kind="photo", x=0, y=0, width=width, height=height)
        element.set("href", address)

    def markup(self) -> Markup:
        """The text that goes into a page; whatever was written in it is escaped."""
        return Markup(ElementTree.tostring(self._root, encoding="unicode"))

    def _add(self, tag: str, told: str, kind: str, **places: float) -> ElementTree.Element:
        element = ElementTree.SubElement(self._root, tag, {"class": kind})
        for name, value in places.items():
            element.set(name, _number(value))
        if told:
            ElementTree.SubElement(element, "title").text = told
        return element


@dataclass(frozen=True)
class Plot:
    """A drawing with a horizontal and a vertical axis."""

    drawing: Drawing
    x: Scale
    y: Scale

    def point(self, x: float, y: float) -> Point:
        """Where the values x and y meet."""
        return self.x(x), self.y(y)

    def mark_x(self, values: Sequence[float], words: Sequence[str]) -> None:
        """Lines upwards at the values, with words below."""
        for value, word in zip(values, words, strict=True):
            place = self.x(value)
            self.drawing.line((place, self.y.start), (place, self.y.stop), "grid")
            self.drawing.text(place, self.y.start + 14, word, "middle", "ink small")

    def mark_y(self, values: Sequence[float], words: Sequence[str]) -> None:
        """Lines across at the values, with words to the left."""
        for value, word in zip(values, words, strict=True):
            place = self.y(value)
            self.drawing.line((self.x.start, place), (self.x.stop, place), "grid")
            self.drawing.text(self.x.start - 6, place, word, "end", "ink small")

    def name_axes(self, below: str, above: str) -> None:
        """What the horizontal axis counts, below it, and what the vertical one does, on top."""
        self.drawing.text(self.x.stop, self.y.start + 32, below, "end", "ink small")
        self.drawing.text(self.x.start - 6, self.y.stop - 14, above, "start", "ink small")
        self.drawing.line((self.x.start, self.y.start), (self.x.stop, self.y.start), "axis")


def plot(
    title: str,
    x: tuple[float, float],
    y: tuple[float, float],
    width: float = WIDTH,
    height: float = 300.0,
    left: float = 44.0,
) -> Plot:
    """An empty plot for values of these ranges, with room for `mark_x`, `mark_y`, `name_axes`."""
    drawing = Drawing(width, height, title)
    return Plot(drawing, Scale(*x, left, width - 14), Scale(*y, height - 42, 26))


def nice_steps(high: float, most: int = 5) -> list[float]:
    """0, s, 2 s, ... up to `high` at least, s being 1, 2 or 5 times a power of ten."""
    step = 1.0
    while step * most < high:
        step *= 10
    while step / 10 * most >= high:
        step /= 10
    for finer in (step / 5, step / 2):
        if finer * most >= high:
            step = finer
            break
    count = -(-high // step)
    return [step * number for number in range(int(count) + 1)]


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
