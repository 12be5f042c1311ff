"""Faces to look at: the most confident errors, the missed ones, and some that are right."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from fer_det.evaluation.answers import Edges, FaceAnswer, FaceRecord
from fer_det.report.svg import Drawing

Load = Callable[[str], NDArray[np.uint8]]
"""Image id -> [H, W, 3] RGB."""

WRONG, MISSED = 12, 6
SIDE = 220
"""Longest side of a thumbnail in pixels."""
SURROUNDINGS = 0.35
"""What is shown around the boxes, as a part of their longer side."""
BARS = 3
"""So many of the most probable expressions are told."""

_QUALITY = 82


@dataclass(frozen=True)
class Exhibit:
    """One face with its label and its answer."""

    face: FaceRecord
    answer: FaceAnswer | None
    drawing: Markup
    probable: tuple[tuple[str, float], ...]
    """The most probable expressions, best first."""


@dataclass(frozen=True)
class Wall:
    """Exhibits of one kind."""

    title: str
    reading: str
    exhibits: tuple[Exhibit, ...]


def hang(
    faces: Sequence[FaceRecord], classes: Sequence[str], rule: str, load: Load | None
) -> tuple[Wall, ...]:
    """The walls of a gallery; load: None to show the boxes' outlines and no picture at all.

    Pictures are read one after the other, and only thumbnails are kept.
    """
    found = [face for face in faces if face.answers[rule] is not None]
    wrong = sorted((face for face in found if not face.is_right(rule)), key=_doubt_of(rule))
    missed_rule = "matched" if faces and "matched" in faces[0].answers else rule
    missed = [face for face in faces if face.answers[missed_rule] is None]
    right = list(_typical(found, classes, rule))

    def show(chosen: Sequence[FaceRecord]) -> tuple[Exhibit, ...]:
        return tuple(_exhibit(face, classes, rule, load) for face in chosen)

    walls = (
        Wall(
            "Wrong, the most confident first",
            f"{len(wrong):,} of {len(faces):,} faces were given another class.",
            show(wrong[:WRONG]),
        ),
        Wall(
            "Missed",
            f"{len(missed):,} of {len(faces):,} faces have no box that overlaps them by half "
            "(IoU 0.5). Where a box elsewhere in the picture answered, it is drawn.",
            show(missed[:MISSED]),
        ),
        Wall(
            "Right",
            "Of each class the right answer whose confidence is in the middle.",
            show(right),
        ),
    )
    return tuple(wall for wall in walls if wall.exhibits)


def _doubt_of(rule: str) -> Callable[[FaceRecord], float]:
    def doubt(face: FaceRecord) -> float:
        answer = face.answers[rule]
        return 1.0 if answer is None else -answer.confidence

    return doubt


def _typical(
    found: Sequence[FaceRecord], classes: Sequence[str], rule: str
) -> Iterator[FaceRecord]:
    for label in classes:
        own = [face for face in found if face.label == label and face.is_right(rule)]
        if own:
            yield sorted(own, key=_doubt_of(rule))[len(own) // 2]


def _exhibit(face: FaceRecord, classes: Sequence[str], rule: str, load: Load | None) -> Exhibit:
    answer = face.answers[rule]
    probable: list[tuple[str, float]] = []
    if answer is not None:
        pairs = zip(classes, answer.probabilities, strict=True)
        probable = sorted(pairs, key=lambda pair: -pair[1])[:BARS]
    return Exhibit(face, answer, _draw(face, answer, load), tuple(probable))


def _draw(face: FaceRecord, answer: FaceAnswer | None, load: Load | None) -> Markup:
    boxes = [face.box] + ([answer.box] if answer is not None else [])
    window = _window(boxes, face.size)
    scale = SIDE / max(window[2] - window[0], window[3] - window[1])
    width, height = (scale * (window[end] - window[end - 2]) for end in (2, 3))
    said = "no answer" if answer is None else f"answered {answer.label}"
    drawing = Drawing(width, height, f"A face labelled {face.label}, {said}")
    if load is None:
        drawing.rect(0, 0, width, height, "covered")
    else:
        drawing.image(width, height, _thumbnail(load(face.image_id), window, scale))
    for kind, box in zip(("truth", "found"), boxes, strict=False):
        left, top, right, bottom = (
            scale * (edge - window[place % 2]) for place, edge in enumerate(box)
        )
        # Dark below light, so that the line is seen on any picture.
        drawing.rect(left, top, right - left, bottom - top, "halo")
        drawing.rect(left, top, right - left, bottom - top, kind)
    return drawing.markup()


def _window(boxes: Sequence[Edges], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Whole pixels of the picture that hold the boxes and something around them."""
    edges = np.array(boxes)
    low, high = edges[:, :2].min(axis=0), edges[:, 2:].max(axis=0)
    margin = SURROUNDINGS * (high - low).max()
    left, top = np.clip(np.floor(low - margin), 0, np.array(size) - 1).astype(int).tolist()
    right, bottom = np.clip(np.ceil(high + margin), (left + 1, top + 1), size).astype(int).tolist()
    return left, top, right, bottom


def _thumbnail(pixels: NDArray[np.uint8], window: tuple[int, int, int, int], scale: float) -> str:
    """The window as a data: address of a small JPEG."""
    cut = Image.fromarray(pixels).crop(window)
    # An enlarged picture holds nothing more; the page enlarges it by itself.
    if scale < 1:
        size = (max(1, round(scale * cut.width)), max(1, round(scale * cut.height)))
        cut = cut.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    cut.save(buffer, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
