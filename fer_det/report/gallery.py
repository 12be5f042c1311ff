"""A gallery of faces: the most confident errors, missed faces, and typical correct ones."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from fer_det.evaluation.predictions import Edges, FacePrediction, ScoredFace
from fer_det.report.source import LoadPicture
from fer_det.report.svg import Drawing

WRONG, MISSED = 12, 6
"""Most faces shown of each kind."""
SIDE = 220
"""Longer side of a thumbnail in pixels."""
MARGIN = 0.35
"""Margin around the boxes, as a share of their longer side."""
MOST_PROBABLE = 3
"""Number of expressions listed with their probabilities."""

_QUALITY = 82


@dataclass(frozen=True)
class GalleryItem:
    """One face with its label and its prediction."""

    face: ScoredFace
    prediction: FacePrediction | None
    drawing: Markup
    probable: tuple[tuple[str, float], ...]
    """The most probable expressions, highest probability first."""


@dataclass(frozen=True)
class GallerySection:
    """Items of one kind."""

    title: str
    caption: str
    items: tuple[GalleryItem, ...]


def make_gallery(
    faces: Sequence[ScoredFace], classes: Sequence[str], rule: str, load: LoadPicture | None
) -> tuple[GallerySection, ...]:
    """Select faces and draw them; load: None to draw boxes without pictures.

    Pictures are loaded one after the other, and only thumbnails are kept.
    """
    predicted = [face for face in faces if face.predictions[rule] is not None]
    wrong = _most_confident([face for face in predicted if not face.is_correct(rule)], rule)
    missed_rule = "matched" if faces and "matched" in faces[0].predictions else rule
    missed = [face for face in faces if face.predictions[missed_rule] is None]

    def draw(chosen: Sequence[ScoredFace]) -> tuple[GalleryItem, ...]:
        return tuple(_make_item(face, classes, rule, load) for face in chosen)

    sections = (
        GallerySection(
            "Wrong, highest confidence first",
            f"{len(wrong):,} of {len(faces):,} faces were predicted as another class.",
            draw(wrong[:WRONG]),
        ),
        GallerySection(
            "Missed",
            f"{len(missed):,} of {len(faces):,} faces have no box with an IoU of at least 0.5. If "
            "the prediction came from a box elsewhere in the picture, that box is drawn.",
            draw(missed[:MISSED]),
        ),
        GallerySection(
            "Correct",
            "For each class the correct prediction of median confidence.",
            draw(list(_typical(predicted, classes, rule))),
        ),
    )
    return tuple(section for section in sections if section.items)


def _most_confident(faces: Sequence[ScoredFace], rule: str) -> list[ScoredFace]:
    """Sort faces with a prediction, highest confidence first; equal ones keep their order."""

    def confidence(face: ScoredFace) -> float:
        prediction = face.predictions[rule]
        return 0.0 if prediction is None else prediction.confidence

    return sorted(faces, key=confidence, reverse=True)


def _typical(
    predicted: Sequence[ScoredFace], classes: Sequence[str], rule: str
) -> Iterator[ScoredFace]:
    for label in classes:
        own = [face for face in predicted if face.label == label and face.is_correct(rule)]
        if own:
            yield _most_confident(own, rule)[len(own) // 2]


def _make_item(
    face: ScoredFace, classes: Sequence[str], rule: str, load: LoadPicture | None
) -> GalleryItem:
    prediction = face.predictions[rule]
    probable: list[tuple[str, float]] = []
    if prediction is not None:
        pairs = zip(classes, prediction.probabilities, strict=True)
        probable = sorted(pairs, key=lambda pair: -pair[1])[:MOST_PROBABLE]
    return GalleryItem(face, prediction, _draw(face, prediction, load), tuple(probable))


def _draw(face: ScoredFace, prediction: FacePrediction | None, load: LoadPicture | None) -> Markup:
    boxes = [face.box] + ([prediction.box] if prediction is not None else [])
    window = _window(boxes, face.size)
    scale = SIDE / max(window[2] - window[0], window[3] - window[1])
    width, height = (scale * (window[end] - window[end - 2]) for end in (2, 3))
    predicted = "no prediction" if prediction is None else f"predicted as {prediction.label}"
    drawing = Drawing(width, height, f"A face labelled {face.label}, {predicted}")
    if load is None:
        drawing.rect(0, 0, width, height, "placeholder")
    else:
        drawing.image(width, height, _thumbnail(load(face.image_id), window, scale))
    for css, box in zip(("labelled", "predicted"), boxes, strict=False):
        left, top, right, bottom = (
            scale * (edge - window[place % 2]) for place, edge in enumerate(box)
        )
        # A dark line below the light one keeps the box visible on any picture.
        drawing.rect(left, top, right - left, bottom - top, "halo")
        drawing.rect(left, top, right - left, bottom - top, css)
    return drawing.markup()


def _window(boxes: Sequence[Edges], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the part of the picture with the boxes and a margin, in whole pixels."""
    edges = np.array(boxes)
    low, high = edges[:, :2].min(axis=0), edges[:, 2:].max(axis=0)
    margin = MARGIN * (high - low).max()
    left, top = np.clip(np.floor(low - margin), 0, np.array(size) - 1).astype(int).tolist()
    right, bottom = np.clip(np.ceil(high + margin), (left + 1, top + 1), size).astype(int).tolist()
    return left, top, right, bottom


def _thumbnail(pixels: NDArray[np.uint8], window: tuple[int, int, int, int], scale: float) -> str:
    """Return the window as the data: URL of a small JPEG."""
    part = Image.fromarray(pixels).crop(window)
    # A small part is left as it is: the page enlarges it.
    if scale < 1:
        size = (max(1, round(scale * part.width)), max(1, round(scale * part.height)))
        part = part.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    part.save(buffer, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
