"""Show a model squares of pictures: for the faces that it finds, or those that it is given."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from fer_det.config.model import Precision
from fer_det.config.predict import FaceOptions
from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.errors import ConfigError, WeightsError
from fer_det.evaluation.calibration import apply_temperature
from fer_det.imaging.view import View
from fer_det.predict.pixels import Pixels
from fer_det.predict.views import Region, drop_cut, merge_faces, plan_views

if TYPE_CHECKING:
    from fer_det.faces.detector import DetectedFace, FaceDetector

CONTEXT = 0.5
"""Margin of a given face in a detector's view, on each side, relative to its longer side."""

_LARGE = 4_000_000
"""Pixels; of a larger picture only the face's surroundings are scaled."""

Answer = dict[str, NDArray[np.float32]]
T = TypeVar("T")


class Runner(ABC):
    """A model with its settings; subclasses run it with PyTorch or without."""

    precision: Precision = "float32"
    """Number format of the network."""

    def __init__(
        self,
        classes: Sequence[str],
        input_size: int,
        padding: tuple[int, int, int],
        face_margin: float | None,
        temperature: float = 1.0,
        unknown_below: float = 0.0,
    ) -> None:
        """face_margin: of a classifier, None for a detector. temperature: by which the logits of
        `_run`'s probabilities are still to be divided.

        Raises WeightsError for a class that is no Expression.
        """
        self.expressions = tuple(_expression(label) for label in classes)
        self.input_size = input_size
        self.unknown_below = unknown_below
        self.finds_faces = face_margin is None
        self._padding = padding
        self._margin = CONTEXT if face_margin is None else face_margin
        self._temperature = temperature

    @abstractmethod
    def describe(self) -> str:
        """Return where and in which arithmetic the model is run."""

    @abstractmethod
    def make_detector(self, options: FaceOptions) -> FaceDetector:
        """Return MTCNN as the options ask for it."""

    @abstractmethod
    def _run(
        self, inputs: Sequence[Pixels], targets: Sequence[NDArray[np.float32]] | None = None
    ) -> list[Answer]:
        """Squares [S, S, 3] and the boxes [1, 4] in them -> `target_probabilities` [1, C] of each;
        without boxes -> `boxes` [M, 4], `scores` [M] and `probabilities` [M, C] of each.

        Raises WeightsError for answers that are not finite.
        """

    def settle(self, options: FaceOptions) -> FaceOptions:
        """Return the options as this model follows them; ConfigError where it cannot."""
        if options.faces == "model" and not self.finds_faces:
            raise ConfigError(
                "--faces model with a classifier, which finds no faces",
                "--faces auto or mtcnn, or a detector's model file",
                "change the flag",
            )
        return options

    def find_faces(
        self,
        pictures: Sequence[Pixels],
        smallest: Sequence[float],
        min_score: float,
        batch_size: int,
    ) -> list[list[Detection]]:
        """Return each picture's faces of that score or more, highest score first.

        smallest: the smallest face to look for in each picture, in pixels. batch_size: of views.
        """
        size = self.input_size
        views = [
            (index, region)
            for index, (pixels, least) in enumerate(zip(pictures, smallest, strict=True))
            for region in plan_views(pixels.shape[1], pixels.shape[0], size, least)
        ]
        found: list[list[list[Detection]]] = [[] for _ in pictures]
        for part in _chunks(views, batch_size):
            inputs = [self._render_region(pictures[index], region) for index, region in part]
            for (index, region), answer in zip(part, self._run(inputs), strict=True):
                height, width = pictures[index].shape[:2]
                faces = [f for f in self._to_faces(answer, region) if f.score >= min_score]
                found[index].append(drop_cut(faces, region, width, height))
        return [
            of_views[0] if len(of_views) == 1 else merge_faces([f for v in of_views for f in v])
            for of_views in found
        ]

    def classify(
        self,
        pictures: Sequence[Pixels],
        faces: Sequence[Sequence[DetectedFace]],
        batch_size: int,
        upright_above: float = 180.0,
    ) -> list[list[dict[Expression, float]]]:
        """Return the probabilities of each given face of each picture.

        upright_above: degrees; faces with a larger roll, to either side, are turned upright.
        """
        each = [(index, face) for index, of_one in enumerate(faces) for face in of_one]
        rows: list[list[dict[Expression, float]]] = [[] for _ in pictures]
        for part in _chunks(each, batch_size):
            inputs, targets = [], []
            for index, face in part:
                roll = face.roll if abs(face.roll) > upright_above else 0.0
                inputs.append(self._render_face(pictures[index], face.box, roll))
                view = View.face(face.box, self._margin, self.input_size)
                own = view.boxes_to_input(np.array([face.box.as_tuple()], np.float32))
                targets.append(own.clip(0, self.input_size))
            answers = self._run(inputs, targets)
            for (index, _), answer in zip(part, answers, strict=True):
                rows[index] += self._to_probabilities(answer["target_probabilities"])
        return rows

    def _render_region(self, pixels: Pixels, region: Region) -> Pixels:
        part = pixels[region.top : region.bottom, region.left : region.right]
        height, width = part.shape[:2]
        view = View.whole(width, height, self.input_size)
        return view.render(np.ascontiguousarray(part), self._padding)

    def _render_face(self, pixels: Pixels, box: FaceBox, roll: float) -> Pixels:
        height, width = pixels.shape[:2]
        if height * width > _LARGE:
            # A View scales the whole picture, which would be done once for each face of a crowd.
            # To the corners of a view that is turned, and a pixel more for the resampling.
            corner = math.ceil(2**0.5 * (0.5 + self._margin) * box.longer_side) + 1
            reach = max(corner, round((1 + self._margin) * box.longer_side))
            x, y = (round(centre) for centre in box.centre)
            left, top = max(0, x - reach), max(0, y - reach)
            pixels = np.ascontiguousarray(pixels[top : y + reach, left : x + reach])
            box = box.moved(-left, -top)
        view = View.face(box, self._margin, self.input_size, roll)
        return view.render(pixels, self._padding)

    def _to_faces(self, answer: dict[str, NDArray[np.float32]], region: Region) -> list[Detection]:
        """The model's answer to a region as faces in the picture's pixels."""
        width, height = region.right - region.left, region.bottom - region.top
        view = View.whole(width, height, self.input_size)
        boxes = view.boxes_to_picture(answer["boxes"], width, height).tolist()
        rows = self._to_probabilities(answer["probabilities"])
        return [
            Detection(FaceBox(*box).moved(region.left, region.top), score, row)
            for box, score, row in zip(boxes, answer["scores"].tolist(), rows, strict=True)
            if box[2] > box[0] and box[3] > box[1]
        ]

    def _to_probabilities(self, rows: NDArray[np.float32]) -> list[dict[Expression, float]]:
        """All probabilities that leave the model pass here."""
        calibrated = apply_temperature(rows, self._temperature).tolist()
        return [dict(zip(self.expressions, row, strict=True)) for row in calibrated]


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _expression(label: str) -> Expression:
    try:
        return Expression.from_label(label)
    except KeyError as error:
        known = ", ".join(expression.label for expression in Expression)
        raise WeightsError(
            f"a checkpoint with the class {label}", f"expressions: {known}", "name another file"
        ) from error
