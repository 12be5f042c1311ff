"""Points joined by lines, as SVG: enough to see whether a cost grows in a straight line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 300, 230
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 34, 46
INK, LINE, PALE = "#333", "#0a7d4b", "#ddd"


@dataclass(frozen=True)
class Panel:
    """One plot, both of its axes from 0."""

    title: str
    across: str
    """What the horizontal axis counts."""
    up: str
    """What the vertical axis counts."""
    points: Mapping[float, float]


def draw_panels(panels: Sequence[Panel], columns: int = 3) -> str:
    """An SVG with the panels in rows."""
    rows = -(-len(panels) // columns)
    size = f'width="{columns * WIDTH}" height="{rows * HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for number, panel in enumerate(panels):
        place = f"translate({number % columns * WIDTH}, {number // columns * HEIGHT})"
        parts.append(f'<g transform="{place}">{_draw(panel)}</g>')
    return "\n".join([*parts, "</svg>\n"])


def _draw(panel: Panel) -> str:
    largest_x, largest_y = max(panel.points), max(panel.points.values())
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        across, up = x / largest_x, y / (1.1 * largest_y)
        return round(LEFT + across * inner_width, 1), round(TOP + (1 - up) * inner_height, 1)

    floor = TOP + inner_height
    parts = [_text(LEFT, TOP - 14, panel.title, weight="bold")]
    for share in (0.0, 0.5, 1.0):
        x, y = place(share * largest_x, share * largest_y)
        parts.append(f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="{PALE}"/>')
        parts.append(_text(LEFT - 6, y + 4, _number(share * largest_y), "end"))
        parts.append(_text(x, floor + 15, _number(share * largest_x), "middle"))
    middle = LEFT + inner_width / 2
    parts.append(_text(middle, floor + 33, panel.across, "middle"))
    turn = f'transform="rotate(-90 12 {TOP + inner_height / 2})"'
    parts.append(_text(12, TOP + inner_height / 2, panel.up, "middle", extra=turn))
    places = [place(x, y) for x, y in sorted(panel.points.items())]
    path = "L".join(f"{x} {y}" for x, y in places)
    parts.append(f'<path d="M{path}" fill="none" stroke="{LINE}" stroke-width="2"/>')
    parts += [f'<circle cx="{x}" cy="{y}" r="3.5" fill="{LINE}"/>' for x, y in places]
    return "".join(parts)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _text(
    x: float, y: float, words: str, anchor: str = "start", weight: str = "normal", extra: str = ""
) -> str:
    style = f'text-anchor="{anchor}" font-weight="{weight}" fill="{INK}" {extra}'
    return f'<text x="{x}" y="{y}" {style}>{escape(words)}</text>'
