"""Load a detector's checkpoint and find the faces of pictures with it."""

from __future__ import annotations

import numbers
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, overload

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from fer_det.config.model import Precision
from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.core.picture import read_image_bytes
from fer_det.errors import ConfigError, ImageError, WeightsError
from fer_det.evaluation.calibration import apply_temperature
from fer_det.imaging.decode import DecodedImage, decode_rgb8, pillow_to_rgb8
from fer_det.imaging.view import View
from fer_det.models import is_detector
from fer_det.predict.sources import is_address
from fer_det.runtime.device import Hardware, choose_hardware
from fer_det.weights.model_file import ModelFile, read_model_file, restore_model

BATCH = 16
"""Default number of pictures in a batch."""

Picture: TypeAlias = (
    "str | os.PathLike[str] | Image.Image | NDArray[np.uint8] | Tensor | DecodedImage"
)
"""A file, a Pillow picture, [H, W, 3] RGB or [H, W] gray uint8, a tensor [3, H, W] or [1, H, W] of
floats in 0..1 or of uint8, or what `fer_det.imaging.decode` returns."""
P = TypeVar("P", bound=Picture)

_WANTED = (
    "a path, a Pillow picture, a uint8 array [H, W, 3] or [H, W], or a tensor [3, H, W] in 0..1"
)


class NoDetectorError(WeightsError):
    """A checkpoint that can be read and finds no faces, because it is a classifier."""


class Predictor:
    """Finds the faces of a picture and their expressions, highest score first.

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
        """Read a detector's best.pth; device and precision are the fastest of this machine.

        Raises WeightsNotFoundError, WeightsError, and ConfigError for a device that is not there.
        """
        hardware = choose_hardware(device, precision)
        checkpoint = read_model_file(Path(path))
        if not is_detector(checkpoint.config):
            raise NoDetectorError(
                f"{path} is a classifier, which finds no faces",
                "a detector's checkpoint",
                f"train one with fer-det train --init {path}",
            )
        return cls(restore_model(checkpoint, Path(path)), checkpoint, hardware)

    @overload
    def __call__(
        self, picture: Picture, min_score: float = 0.5, batch_size: int = BATCH
    ) -> list[Detection]: ...

    @overload
    def __call__(
        self, picture: list[P] | tuple[P, ...], min_score: float = 0.5, batch_size: int = BATCH
    ) -> list[list[Detection]]: ...

    def __call__(
        self,
        picture: Picture | list[P] | tuple[P, ...],
        min_score: float = 0.5,
        batch_size: int = BATCH,
    ) -> list[Detection] | list[list[Detection]]:
        """A picture -> its faces with a score of at least `min_score`; a list -> a list of those.

        min_score: 0 to 1. batch_size: number of pictures of a list that the network gets at a time.
        Boxes are in the picture's own pixels, upright. Raises ImageError for what is no whole
        picture, DatasetNotFoundError for a file that is absent, and ConfigError.
        """
        _demand_number("min_score", min_score, 0, 1)
        _demand_number("batch_size", batch_size, 1, None)
        if not isinstance(picture, (list, tuple)):
            return self._answer([picture], min_score)[0]
        starts = range(0, len(picture), batch_size)
        batches = [picture[start : start + batch_size] for start in starts]
        return [faces for batch in batches for faces in self._answer(batch, min_score)]

    @torch.inference_mode()
    def _answer(self, pictures: Sequence[Picture], min_score: float) -> list[list[Detection]]:
        scaled, sizes = [], []
        for picture in pictures:
            pixels, size = to_rgb8(picture)
            width, height = pixels.shape[1], pixels.shape[0]
            sizes.append((width, height, *size))
            view = View.whole(width, height, self._config.input_size)
            scaled.append(view.render(pixels, self._config.padding))
        batch = torch.from_numpy(np.stack(scaled)).to(self.hardware.device).permute(0, 3, 1, 2)
        images = batch.to(torch.float32, memory_format=torch.channels_last).div_(255)
        with self.hardware.autocast():
            answers = self._model(images)
        found = [
            self._faces(answer, width, height, min_score)
            for answer, (width, height, *_) in zip(answers, sizes, strict=True)
        ]
        return [enlarge_boxes(faces, *size) for faces, size in zip(found, sizes, strict=True)]

    def _faces(
        self, answer: dict[str, Tensor], width: int, height: int, min_score: float
    ) -> list[Detection]:
        """The model's answer as faces in the picture's pixels; WeightsError if it is not finite."""
        found = {name: tensor.float().cpu().numpy() for name, tensor in answer.items()}
        if not all(np.isfinite(values).all() for values in found.values()):
            raise WeightsError(
                "a checkpoint whose answers are not finite", "finite weights", "train it again"
            )
        view = View.whole(width, height, self._config.input_size)
        boxes = view.boxes_to_picture(found["boxes"], width, height).tolist()
        scores = found["scores"].tolist()
        # All probabilities that leave the model pass here.
        rows = apply_temperature(found["probabilities"], self._temperature).tolist()
        return [
            Detection(FaceBox(*box), score, dict(zip(self.expressions, row, strict=True)))
            for box, score, row in zip(boxes, scores, rows, strict=True)
            if score >= min_score and box[2] > box[0] and box[3] > box[1]
        ]


def enlarge_boxes(
    faces: list[Detection], width: int, height: int, to_width: int, to_height: int
) -> list[Detection]:
    """Boxes in a picture of width x height pixels -> the same in one of to_width x to_height."""
    if (width, height) == (to_width, to_height):
        return faces
    x, y = to_width / width, to_height / height
    return [
        replace(
            face,
            box=FaceBox(
                x * face.box.x_min, y * face.box.y_min, x * face.box.x_max, y * face.box.y_max
            ),
        )
        for face in faces
    ]


def to_rgb8(picture: Picture) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Any Picture -> ([H, W, 3] uint8 RGB, upright; (width, height) in which boxes are given).

    The two sizes differ for a very large JPEG, which is decoded at half its size. Raises ImageError
    for what is no picture, and DatasetNotFoundError for a file that is absent.
    """
    if isinstance(picture, (str, os.PathLike)):
        if is_address(os.fspath(picture)):
            raise ImageError(f"{picture} is an address", "a picture file", "download it first")
        picture = decode_rgb8(read_image_bytes(Path(picture)), os.fspath(picture), reduce=True)
    if isinstance(picture, DecodedImage):
        return picture.pixels, picture.size
    if isinstance(picture, Image.Image):
        pixels = pillow_to_rgb8(picture, "a Pillow picture")
    elif isinstance(picture, Tensor):
        pixels = _from_tensor(picture)
    elif isinstance(picture, np.ndarray):
        pixels = _from_array(picture)
    else:
        raise _unfit(f"a {type(picture).__name__}")
    return pixels, (pixels.shape[1], pixels.shape[0])


def _from_array(array: NDArray[Any]) -> NDArray[np.uint8]:
    channels = array.shape[2:] if array.ndim == 3 else (1,)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or channels not in ((1,), (3,)):
        raise _unfit(f"an array of {array.dtype} and shape {list(array.shape)}")
    if array.size == 0:
        raise _unfit(f"an empty array of shape {list(array.shape)}")
    of_channels = array if array.ndim == 3 else array[..., None]
    return np.ascontiguousarray(np.broadcast_to(of_channels, (*array.shape[:2], 3)))


def _from_tensor(tensor: Tensor) -> NDArray[np.uint8]:
    found = f"a tensor of {str(tensor.dtype).removeprefix('torch.')} and shape {list(tensor.shape)}"
    if tensor.ndim != 3 or tensor.shape[0] not in (1, 3) or tensor.numel() == 0:
        raise _unfit(found)
    plain = tensor.detach().cpu()
    if plain.is_floating_point():
        low, high = float(plain.min()), float(plain.max())
        # Not the other way round, since a comparison with NaN is never true.
        if not (low >= 0 and high <= 1):
            raise _unfit(f"{found} with values from {low:g} to {high:g}")
        plain = plain.float().mul(255).round().to(torch.uint8)
    elif plain.dtype != torch.uint8:
        raise _unfit(found)
    return _from_array(plain.permute(1, 2, 0).numpy())


def _demand_number(name: str, value: Any, least: float, most: float | None) -> None:
    if isinstance(value, numbers.Real) and least <= float(value) <= (most or float("inf")):
        return
    wanted = f"a number from {least}" + ("" if most is None else f" to {most}")
    raise ConfigError(f"{name} {value!r}", wanted, "change it")


def _unfit(found: str) -> ImageError:
    return ImageError(found, _WANTED, "convert it; several pictures are given as a list")


def _expression(label: str) -> Expression:
    try:
        return Expression.from_label(label)
    except KeyError as error:
        known = ", ".join(expression.label for expression in Expression)
        raise WeightsError(
            f"a checkpoint with the class {label}", f"expressions: {known}", "name another file"
        ) from error
