"""Places for the labels of boxes, so that they cover neither other boxes nor each other.

web/js/labels.js is the same for the web page.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox

Rectangle = tuple[float, float, float, float]
"""(x_min, y_min, x_max, y_max) in pixels."""


def place_labels(
    boxes: Sequence[FaceBox],
    widths: Sequence[Sequence[float]],
    height: float,
    size: tuple[float, float],
) -> list[tuple[int, Rectangle]]:
    """Choose a wording and a place for the label of each box.

    First each label has a place in its last wording, then each in turn the first wording for which
    there is room among the others: above the box or below it, and inside it where there is none.
    A label that has no free place is where it covers least, in its last wording.

    widths: of each box the widths of its wordings in pixels, the most welcome first, at least one.
    height: of every label, in pixels. size: (width, height) of the picture.
    Returns of each box the index of its wording and the label's rectangle.
    """
    edges = np.array([box.as_tuple() for box in boxes]).reshape(-1, 4)
    chosen: list[tuple[int, Rectangle]] = []
    for shortest in (True, False):
        for number, box in enumerate(boxes):
            others = [place for n, (_, place) in enumerate(chosen) if n != number]
            taken = np.concatenate(
                [np.delete(edges, number, axis=0), np.array(others).reshape(-1, 4)]
            )
            last = len(widths[number]) - 1
            options = [
                (wording, place)
                for outside in (True, False)
                for wording in range(last if shortest else 0, last + 1)
                for place in _places(box, widths[number][wording], height, size, outside)
            ]
            covers = [_covered(place, taken) for _, place in options]
            if shortest:
                chosen.append(options[int(np.argmin(covers))])
            elif 0 in covers:
                chosen[number] = options[covers.index(0)]
    return chosen


def _places(
    box: FaceBox, width: float, height: float, size: tuple[float, float], outside: bool
) -> list[Rectangle]:
    """Rectangles in the picture, the most welcome first; inside the box there always are some."""
    room = max(0.0, size[0] - width)
    middle = (box.x_min + box.x_max) / 2
    lefts = (box.x_min, box.x_max - width, middle - width / 2, middle, middle - width)
    columns = [min(max(0.0, left), room) for left in lefts]
    if outside:
        tops = [top for top in (box.y_min - height, box.y_max) if 0 <= top <= size[1] - height]
    else:
        tops = [max(0.0, box.y_min), max(0.0, min(box.y_max, size[1]) - height)]
    return [(left, top, left + width, top + height) for top in tops for left in columns]


def _covered(place: Rectangle, taken: NDArray[np.float64]) -> float:
    """The area in square pixels that `place` shares with the rectangles [K, 4]."""
    across = np.minimum(place[2], taken[:, 2]) - np.maximum(place[0], taken[:, 0])
    down = np.minimum(place[3], taken[:, 3]) - np.maximum(place[1], taken[:, 1])
    return float((across.clip(0) * down.clip(0)).sum())
