"""Panels of points joined by lines, as one SVG file: shows whether a cost grows linearly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fer_det.report.svg import nice_steps, plot

WIDTH, HEIGHT = 320, 230
STYLE = """
text { font: 12px sans-serif; fill: #333 }
.grid { stroke: #ddd } .axis { stroke: #666 }
.curve { fill: none; stroke: #0a7d4b; stroke-width: 2 } .bar { fill: #0a7d4b }
"""


@dataclass(frozen=True)
class Panel:
    """One plot, both of its axes from 0."""

    title: str
    across: str
    """Name of the horizontal axis."""
    up: str
    """Name of the vertical axis."""
    points: Mapping[float, float]


def draw_panels(panels: Sequence[Panel], columns: int = 3) -> str:
    """Return an SVG file with the panels in rows."""
    rows = -(-len(panels) // columns)
    size = f'width="{columns * WIDTH}" height="{rows * HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="white"/>',
    ]
    for number, panel in enumerate(panels):
        place = f'x="{number % columns * WIDTH}" y="{number // columns * HEIGHT}"'
        parts.append(f'<svg {place} width="{WIDTH}" height="{HEIGHT}">{_draw(panel)}</svg>')
    return "\n".join([*parts, "</svg>\n"])


def _draw(panel: Panel) -> str:
    points = sorted(panel.points.items())
    x, y = nice_steps(max(panel.points), 4), nice_steps(max(panel.points.values()), 4)
    canvas = plot(
        f"{panel.title}: {panel.up} by {panel.across}", (0, x[-1]), (0, y[-1]), WIDTH, HEIGHT
    )
    canvas.mark_x(x)
    canvas.mark_y(y)
    canvas.name_axes(panel.across, f"{panel.title}, {panel.up}")
    places = [canvas.point(*point) for point in points]
    canvas.drawing.path(places, "curve")
    for place, (across, up) in zip(places, points, strict=True):
        canvas.drawing.dot(*place, 3.5, "bar", f"{across:g}: {up:g}")
    return str(canvas.drawing.markup())
