"""How large the labelled faces are, in their photos and in what the network is shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from fer_det.evaluation.answers import FaceRecord
from fer_det.report.svg import Figure, nice_steps, plot
from fer_det.report.words import figure

_BINS = 16


def draw_box_sizes(faces: Sequence[FaceRecord], rule: str, input_size: int) -> Figure:
    """faces: at least one; input_size: side in pixels of the square that a photo is scaled into."""
    sides = np.array([_side(face) for face in faces])
    shown = sides * [input_size / max(face.size) for face in faces]
    right = np.array([face.is_right(rule) for face in faces])
    return Figure(
        "Size of the labelled faces",
        "The side of a square as large as the face's box. In the second plot the photo is scaled "
        f"to {input_size} pixels, as the detector sees it; the table says how accurate it is on "
        "small and on large faces there.",
        (
            _histogram(sides, "Faces by their side in the photo, in pixels"),
            _histogram(shown, f"Faces by their side in the input of {input_size} pixels"),
        ),
        ("side in the input", "faces", "accuracy"),
        _by_size(shown, right),
    )


def _side(face: FaceRecord) -> float:
    x_min, y_min, x_max, y_max = face.box
    return float(np.sqrt((x_max - x_min) * (y_max - y_min)))


def _histogram(sides: NDArray[np.float64], title: str) -> Markup:
    ticks = nice_steps(float(sides.max()))
    counts, edges = np.histogram(sides, bins=_BINS, range=(0, ticks[-1]))
    high = nice_steps(float(counts.max()), 4)
    canvas = plot(title, (0, ticks[-1]), (0, high[-1]), height=220)
    canvas.mark_x(ticks, [f"{tick:g}" for tick in ticks])
    canvas.mark_y(high, [f"{tick:g}" for tick in high])
    for number, low, up in zip(counts.tolist(), edges[:-1], edges[1:], strict=True):
        left, top = canvas.point(float(low), number)
        width = canvas.x(float(up)) - left - 1.5
        told = f"{low:.0f} to {up:.0f} pixels: {number}"
        canvas.drawing.rect(left, top, width, canvas.y.start - top, "bar", told)
    canvas.name_axes(title.removeprefix("Faces by their "), "faces")
    return canvas.drawing.markup()


def _by_size(
    shown: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[tuple[str, str, str], ...]:
    """A row for each third of the faces, from the small ones on."""
    order = np.argsort(shown, kind="stable")
    rows = []
    for part in np.array_split(order, min(3, len(order))):
        low, high = shown[part].min(), shown[part].max()
        rows.append((f"{low:.0f} to {high:.0f} px", f"{len(part):,}", figure(right[part].mean())))
    return tuple(rows)
