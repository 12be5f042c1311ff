"""Run a model of the contract on pictures: the faces that it finds, or those that it is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_det.config.model import ClassifierModelConfig
from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.errors import WeightsError
from fer_det.evaluation.calibration import apply_temperature
from fer_det.imaging.view import View
from fer_det.predict.pixels import Pixels
from fer_det.predict.views import Region, drop_cut, merge_faces, plan_views
from fer_det.runtime.device import Hardware
from fer_det.weights.model_file import ModelFile

CONTEXT = 0.5
"""Margin of a given face in a detector's view, on each side, relative to its longer side."""

_LARGE = 4_000_000
"""Pixels; of a larger picture only the face's surroundings are scaled."""

T = TypeVar("T")


class ModelRunner:
    """A model with its settings, in the arithmetic of the machine."""

    def __init__(self, model: nn.Module, checkpoint: ModelFile, hardware: Hardware) -> None:
        """Raises WeightsError for a class that is no Expression."""
        self.expressions = tuple(_expression(label) for label in checkpoint.classes)
        self.config = checkpoint.config
        self._hardware = hardware
        self._model = hardware.prepare(model)
        self._temperature = checkpoint.temperature
        config = checkpoint.config
        self._margin = CONTEXT
        if isinstance(config, ClassifierModelConfig):
            self._margin = config.face_margin

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
        size = self.config.input_size
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
        self, pictures: Sequence[Pixels], boxes: Sequence[Sequence[FaceBox]], batch_size: int
    ) -> list[list[dict[Expression, float]]]:
        """Return the probabilities of each given face of each picture."""
        faces = [(index, box) for index, of_one in enumerate(boxes) for box in of_one]
        rows: list[list[dict[Expression, float]]] = [[] for _ in pictures]
        for part in _chunks(faces, batch_size):
            inputs, targets = [], []
            for index, box in part:
                inputs.append(self._render_face(pictures[index], box))
                view = View.face(box, self._margin, self.config.input_size)
                own = view.boxes_to_input(np.array([box.as_tuple()], np.float32))
                targets.append(own.clip(0, self.config.input_size))
            answers = self._run(inputs, targets)
            for (index, _), answer in zip(part, answers, strict=True):
                rows[index] += self._to_probabilities(answer["target_probabilities"])
        return rows

    @torch.inference_mode()
    def _run(
        self, inputs: Sequence[Pixels], targets: Sequence[NDArray[np.float32]] | None = None
    ) -> list[dict[str, NDArray[np.float32]]]:
        """Squares and boxes in them -> the model's answers; WeightsError if one is not finite."""
        device = self._hardware.device
        batch = torch.from_numpy(np.stack(inputs)).to(device).permute(0, 3, 1, 2)
        images = batch.to(torch.float32, memory_format=torch.channels_last).div_(255)
        with self._hardware.autocast():
            if targets is None:
                answers = self._model(images)
            else:
                placed = [{"boxes": torch.from_numpy(boxes).to(device)} for boxes in targets]
                answers = self._model(images, placed)
        return [_to_numpy(answer) for answer in answers]

    def _render_region(self, pixels: Pixels, region: Region) -> Pixels:
        part = pixels[region.top : region.bottom, region.left : region.right]
        height, width = part.shape[:2]
        view = View.whole(width, height, self.config.input_size)
        return view.render(np.ascontiguousarray(part), self.config.padding)

    def _render_face(self, pixels: Pixels, box: FaceBox) -> Pixels:
        height, width = pixels.shape[:2]
        if height * width > _LARGE:
            # A View scales the whole picture, which would be done once for each face of a crowd.
            reach = round((1 + self._margin) * box.longer_side)
            x, y = (round(centre) for centre in box.centre)
            left, top = max(0, x - reach), max(0, y - reach)
            pixels = np.ascontiguousarray(pixels[top : y + reach, left : x + reach])
            box = box.moved(-left, -top)
        view = View.face(box, self._margin, self.config.input_size)
        return view.render(pixels, self.config.padding)

    def _to_faces(self, answer: dict[str, NDArray[np.float32]], region: Region) -> list[Detection]:
        """The model's answer to a region as faces in the picture's pixels."""
        width, height = region.right - region.left, region.bottom - region.top
        view = View.whole(width, height, self.config.input_size)
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


def _to_numpy(answer: dict[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    found = {name: tensor.float().cpu().numpy() for name, tensor in answer.items()}
    if not all(np.isfinite(values).all() for values in found.values()):
        raise WeightsError(
            "a checkpoint whose answers are not finite", "finite weights", "train it again"
        )
    return found


def _expression(label: str) -> Expression:
    try:
        return Expression.from_label(label)
    except KeyError as error:
        known = ", ".join(expression.label for expression in Expression)
        raise WeightsError(
            f"a checkpoint with the class {label}", f"expressions: {known}", "name another file"
        ) from error
