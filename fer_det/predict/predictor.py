"""A checkpoint that answers pictures: from files or pixels to the faces in them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_det.config.training import Precision
from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.errors import WeightsError
from fer_det.evaluation.temperature import apply_temperature
from fer_det.imaging.letterbox import Letterbox, warp
from fer_det.models import is_detector
from fer_det.predict.pictures import Picture, to_rgb8
from fer_det.runtime.device import Hardware, choose_hardware
from fer_det.weights.model_file import ModelFile, read_model_file, restore_model

BATCH = 16
"""Pictures that the network is shown at a time."""

P = TypeVar("P", bound=Picture)


class Predictor:
    """The faces of a picture, surest first.

        predictor = Predictor.from_checkpoint("best.pth")
        for face in predictor("photo.jpg"):
            print(face.expression.label, face.probabilities[Expression.HAPPINESS], face.box)

    Each picture is scaled exactly as in training and scoring.
    """

    def __init__(self, model: nn.Module, checkpoint: ModelFile, hardware: Hardware) -> None:
        """Raises WeightsError for a class that is no Expression."""
        self.hardware = hardware
        self.expressions = tuple(_expression(label) for label in checkpoint.classes)
        self._model = hardware.prepare(model)
        self._config = checkpoint.config
        self._temperature = checkpoint.temperature

    @classmethod
    def from_checkpoint(
        cls, path: str | os.PathLike[str], device: str = "auto", precision: Precision = "auto"
    ) -> Predictor:
        """Read a detector's best.pth; device and arithmetic are the fastest that are there.

        Raises WeightsNotFoundError, WeightsError, and ConfigError for a device that is not there.
        """
        hardware = choose_hardware(device, precision)
        checkpoint = read_model_file(Path(path))
        if not is_detector(checkpoint.config):
            raise WeightsError(
                f"{path} is a classifier, which finds no faces",
                "a detector's checkpoint",
                f"train one with tools/train_frcnn.py --init {path}",
            )
        return cls(restore_model(checkpoint, Path(path)), checkpoint, hardware)

    @overload
    def __call__(self, picture: Picture, min_score: float = 0.5) -> list[Detection]: ...

    @overload
    def __call__(
        self, picture: list[P] | tuple[P, ...], min_score: float = 0.5
    ) -> list[list[Detection]]: ...

    def __call__(
        self, picture: Picture | list[P] | tuple[P, ...], min_score: float = 0.5
    ) -> list[Detection] | list[list[Detection]]:
        """A picture -> its faces with at least `min_score`; a list of pictures -> a list of those.

        Boxes are in the picture's own pixels, upright. Raises ImageError for what is no whole
        picture, and DatasetNotFoundError for a file that is absent.
        """
        if not isinstance(picture, (list, tuple)):
            return self._answer([picture], min_score)[0]
        groups = [picture[start : start + BATCH] for start in range(0, len(picture), BATCH)]
        return [faces for group in groups for faces in self._answer(group, min_score)]

    @torch.inference_mode()
    def _answer(self, pictures: Sequence[Picture], min_score: float) -> list[list[Detection]]:
        letterboxes, scaled = [], []
        for picture in pictures:
            pixels = to_rgb8(picture)
            letterboxes.append(Letterbox(pixels.shape[1], pixels.shape[0], self._config.input_size))
            scaled.append(self._scaled(pixels, letterboxes[-1]))
        batch = torch.from_numpy(np.stack(scaled)).to(self.hardware.device).permute(0, 3, 1, 2)
        images = batch.to(torch.float32, memory_format=torch.channels_last).div_(255)
        with self.hardware.autocast():
            answers = self._model(images)
        return [
            self._faces(answer, letterbox, min_score)
            for answer, letterbox in zip(answers, letterboxes, strict=True)
        ]

    def _scaled(self, pixels: NDArray[np.uint8], letterbox: Letterbox) -> NDArray[np.uint8]:
        return warp(pixels, letterbox.matrix(), letterbox.size, self._config.padding)

    def _faces(
        self, answer: dict[str, Tensor], letterbox: Letterbox, min_score: float
    ) -> list[Detection]:
        """What the model answers, as faces in the picture's pixels; WeightsError for nonsense."""
        found = {name: tensor.float().cpu().numpy() for name, tensor in answer.items()}
        if not all(np.isfinite(values).all() for values in found.values()):
            raise WeightsError(
                "a checkpoint whose answers are not finite", "finite weights", "train it again"
            )
        boxes = letterbox.boxes_to_picture(found["boxes"]).tolist()
        scores = found["scores"].tolist()
        # Here, and nowhere else, probabilities pass from the model to whoever asked.
        rows = apply_temperature(found["probabilities"], self._temperature).tolist()
        return [
            Detection(FaceBox(*box), score, dict(zip(self.expressions, row, strict=True)))
            for box, score, row in zip(boxes, scores, rows, strict=True)
            if score >= min_score and box[2] > box[0] and box[3] > box[1]
        ]


def _expression(label: str) -> Expression:
    try:
        return Expression.from_label(label)
    except KeyError as error:
        known = ", ".join(expression.label for expression in Expression)
        raise WeightsError(
            f"a checkpoint with the class {label}", f"expressions: {known}", "name another file"
        ) from error
