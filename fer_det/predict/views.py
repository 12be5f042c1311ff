"""The parts of a picture that a detector of a fixed input size is shown, and how they are merged.

A small picture is shown whole. A large one is shown whole, for faces that fill the frame, and cut
into overlapping square tiles at one or more scales, each half the one before, so that every face
is large enough in one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection

INPUTS = 2
LEAST_LARGE = 400
"""A picture is large if its longer side has more than INPUTS times the input's pixels, and more
than LEAST_LARGE."""
FACE_SHARE = 0.125
"""Smallest face that is looked for in a view, as a part of the view's side: the smallest anchors of
the detectors."""
OVERLAP = 0.25
"""Of neighbouring tiles. A larger face is twice FACE_SHARE or more at the next scale."""
EDGE = 0.01
"""A face that comes so near to a tile's edge, as a part of its side, is cut and dropped."""
MAX_IOU = 0.4
MAX_OF_SMALLER = 0.7
"""Of two faces that share more, over the union or over the smaller box, one is kept."""


@dataclass(frozen=True)
class Region:
    """A part of a picture, in whole pixels; the max edges are exclusive."""

    left: int
    top: int
    right: int
    bottom: int


def is_large(width: int, height: int, size: int) -> bool:
    """Whether a picture is too large to show a network of that input size all its faces at once."""
    return max(width, height) > max(INPUTS * size, LEAST_LARGE)


def plan_views(width: int, height: int, size: int, smallest_face: float) -> list[Region]:
    """Return the regions in which a detector of that input size looks for faces, the finest first.

    smallest_face: longer side in pixels. No tile is enlarged, so a face below FACE_SHARE of the
    input's size is smaller than wanted in every view.
    """
    regions: list[Region] = []
    side = max(float(size), smallest_face / FACE_SHARE)
    while is_large(width, height, size) and side < max(width, height):
        tile = round(side)
        regions += [
            Region(left, top, min(left + tile, width), min(top + tile, height))
            for top in _starts(height, tile)
            for left in _starts(width, tile)
        ]
        side *= 2
    return [*regions, Region(0, 0, width, height)]


def drop_cut(
    faces: Sequence[Detection], region: Region, width: int, height: int
) -> list[Detection]:
    """Leave out faces that an edge of the region cuts; at the picture's own edges they stay.

    faces: in pixels of the picture.
    """
    near = EDGE * max(region.right - region.left, region.bottom - region.top)
    low_x = region.left + near if region.left > 0 else -1.0
    low_y = region.top + near if region.top > 0 else -1.0
    high_x = region.right - near if region.right < width else width + 1.0
    high_y = region.bottom - near if region.bottom < height else height + 1.0
    return [
        face
        for face in faces
        if face.box.x_min > low_x
        and face.box.y_min > low_y
        and face.box.x_max < high_x
        and face.box.y_max < high_y
    ]


def merge_faces(faces: Sequence[Detection]) -> list[Detection]:
    """Keep one of the faces that views share, the one with the highest score; highest first.

    faces: those of the finest view first, which is kept of equal scores. A face has the expression
    of the finest view that has it, where it has the most pixels.
    """
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if not any(_is_same(face.box, other.box) for other in kept):
            finest = next(other for other in faces if _is_twin(face.box, other.box))
            kept.append(replace(face, probabilities=finest.probabilities))
    return kept


def _starts(length: int, tile: int) -> Iterator[int]:
    """Where tiles begin along one side: evenly, at least OVERLAP over each other, to the end."""
    if length <= tile:
        yield 0
        return
    steps = -(-(length - tile) // max(1, round(tile * (1 - OVERLAP))))
    yield from (round(number * (length - tile) / steps) for number in range(steps + 1))


def _is_same(box: FaceBox, other: FaceBox) -> bool:
    return _is_twin(box, other) or _shared(box, other) > MAX_OF_SMALLER * min(box.area, other.area)


def _is_twin(box: FaceBox, other: FaceBox) -> bool:
    shared = _shared(box, other)
    return shared > MAX_IOU * (box.area + other.area - shared)


def _shared(box: FaceBox, other: FaceBox) -> float:
    """Square pixels."""
    width = min(box.x_max, other.x_max) - max(box.x_min, other.x_min)
    height = min(box.y_max, other.y_max) - max(box.y_min, other.y_min)
    return max(width, 0.0) * max(height, 0.0)
