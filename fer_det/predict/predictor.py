"""Load a checkpoint, find the faces of pictures, and say their expressions."""

from __future__ import annotations

import copy
import numbers
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from fer_det.config.model import Precision
from fer_det.config.predict import DEFAULT_MIN_FACE, Backend, FaceOptions
from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.errors import ConfigError
from fer_det.io.files import find_shipped_weights
from fer_det.predict.finish import finish_faces
from fer_det.predict.onnx_runner import ENGINES, OnnxRunner
from fer_det.predict.pixels import Picture, Pixels, to_rgb8
from fer_det.predict.runner import Runner
from fer_det.predict.views import FACE_SHARE, INPUTS, LEAST_LARGE, is_large

if TYPE_CHECKING:
    from fer_det.faces.detector import FaceDetector

BATCH = 16
"""Default number of pictures in a batch."""

P = TypeVar("P", bound=Picture)


class Predictor:
    """Finds the faces of a picture and their expressions, highest score first.

        predictor = Predictor.from_checkpoint("best.pth")
        for face in predictor("photo.jpg"):
            print(face.label, face.probabilities.get(Expression.HAPPINESS), face.box)

    A picture or face is scaled for the model exactly as in training and scoring.
    """

    def __init__(
        self,
        runner: Runner,
        options: FaceOptions | None = None,
        detector: FaceDetector | None = None,
    ) -> None:
        """detector: used instead of MTCNN. Raises ConfigError for options that do not fit."""
        self.runner = runner
        self.options = runner.settle(options or FaceOptions())
        self.found_by: Counter[str] = Counter()
        """Pictures in which faces were looked for by "model" and by "mtcnn", so far."""
        self.expressions = runner.expressions
        self._given_detector = detector

    @classmethod
    def from_checkpoint(
        cls,
        path: str | os.PathLike[str],
        device: str = "auto",
        precision: Precision = "auto",
        options: FaceOptions | None = None,
        backend: Backend = "auto",
    ) -> Predictor:
        """Read a model file; device and precision are the fastest of this machine.

        An ONNX file of `fer-det export` is run by onnxruntime, or by OpenVINO where `backend` says
        so, and a .tflite file by LiteRT, without importing PyTorch. Files that come with
        fer_det, such as weights/expression_small.safetensors, are found from any folder. Raises
        WeightsNotFoundError, WeightsError, and ConfigError for a device that is not there.
        """
        file = Path(path)
        if not file.exists():
            file = find_shipped_weights(file) or file
        return cls(_load_runner(file, device, precision, backend), options)

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

        min_score: 0 to 1. batch_size: number of pictures, or parts of one, that the network gets at
        a time. Boxes are in the picture's own pixels, upright. Raises ImageError for what is no
        whole picture, DatasetNotFoundError for a file that is absent, and ConfigError.
        """
        _demand_number("min_score", min_score, 0, 1)
        _demand_number("batch_size", batch_size, 1, None)
        if not isinstance(picture, (list, tuple)):
            return self._answer([picture], min_score, batch_size)[0]
        starts = range(0, len(picture), batch_size)
        batches = [picture[start : start + batch_size] for start in starts]
        return [faces for batch in batches for faces in self._answer(batch, min_score, batch_size)]

    def for_videos(self) -> Predictor:
        """The same for frames, in which a detector finds the faces itself unless told otherwise."""
        other = copy.copy(self)
        if self.runner.finds_faces and self.options.faces == "auto":
            other.options = replace(self.options, faces="model")
        return other

    def describe_search(self) -> str:
        """Return who finds the faces, and down to which size."""
        options, size = self.options, self.runner.input_size
        least = DEFAULT_MIN_FACE if options.min_face is None else options.min_face
        if options.mtcnn == "exact" and least >= 1:
            least = max(least, DEFAULT_MIN_FACE)
        smallest = f"{least:g} px" if least >= 1 else f"{least:.0%} of the longer side"
        by_mtcnn = f"by MTCNN ({options.mtcnn}, smallest face {smallest})"
        if not self.runner.finds_faces or options.faces == "mtcnn":
            return f"faces: {by_mtcnn}"
        limit = max(INPUTS * size, LEAST_LARGE)
        share = f"smallest face {FACE_SHARE:.1%} of the longer side"
        small = f"faces: by the model in pictures up to {limit} px ({share}), in larger ones"
        if options.faces == "auto":
            return f"{small} {by_mtcnn}"
        in_tiles = max(FACE_SHARE * size, least)
        least_in_tiles = f"{in_tiles:.0f} px" if least >= 1 else smallest
        return f"{small} in tiles ({least_in_tiles})"

    def _answer(
        self, pictures: Sequence[Picture], min_score: float, batch_size: int
    ) -> list[list[Detection]]:
        read = [to_rgb8(picture) for picture in pictures]
        upright = [pixels for pixels, _ in read]
        found = self._find(upright, min_score, batch_size)
        by_model = sum(map(self._model_finds, upright))
        self.found_by.update({"model": by_model, "mtcnn": len(upright) - by_model})
        for turns in (1, 2, 3) if self.options.any_orientation else ():
            turned = [np.ascontiguousarray(np.rot90(pixels, turns)) for pixels in upright]
            others = self._find(turned, min_score, batch_size)
            found = [
                _turn_back(faces, turns, *pixels.shape[1::-1])
                if _total_score(faces) > _total_score(best)
                else best
                for best, faces, pixels in zip(found, others, turned, strict=True)
            ]
        finished = []
        for faces, (pixels, to_size) in zip(found, read, strict=True):
            size = (pixels.shape[1], pixels.shape[0])
            marked = finish_faces(faces, self.options, size, self.runner.unknown_below)
            finished.append(enlarge_boxes(marked, *size, *to_size))
        return finished

    def _find(
        self, pictures: Sequence[Pixels], min_score: float, batch_size: int
    ) -> list[list[Detection]]:
        """The faces of each picture as it stands, in its own pixels."""
        found: list[list[Detection]] = [[] for _ in pictures]
        by_model = [row for row, pixels in enumerate(pictures) if self._model_finds(pixels)]
        others = [row for row in range(len(pictures)) if row not in set(by_model)]
        for rows, find in ((by_model, self._find_by_model), (others, self._find_by_detector)):
            if rows:
                answers = find([pictures[row] for row in rows], min_score, batch_size)
                for row, faces in zip(rows, answers, strict=True):
                    found[row] = faces
        return found

    def _model_finds(self, pixels: Pixels) -> bool:
        if self.options.faces != "auto" or not self.runner.finds_faces:
            return self.options.faces == "model"
        height, width = pixels.shape[:2]
        return not is_large(width, height, self.runner.input_size)

    def _find_by_model(
        self, pictures: Sequence[Pixels], min_score: float, batch_size: int
    ) -> list[list[Detection]]:
        smallest = [self.options.smallest_face(p.shape[1], p.shape[0]) for p in pictures]
        return self.runner.find_faces(pictures, smallest, min_score, batch_size)

    def _find_by_detector(
        self, pictures: Sequence[Pixels], min_score: float, batch_size: int
    ) -> list[list[Detection]]:
        found = [
            [face for face in faces if face.score >= min_score]
            for faces in self._detector.detect(pictures)
        ]
        limit = self.options.too_small
        large = [[face for face in faces if face.box.longer_side >= limit] for faces in found]
        answers = []
        classified = self.runner.classify(pictures, large, batch_size, self.options.upright_above)
        for faces, rows in zip(found, classified, strict=True):
            of_large = iter(rows)
            answers.append(
                [
                    Detection(f.box, f.score, next(of_large) if f.box.longer_side >= limit else {})
                    for f in faces
                ]
            )
        return answers

    @cached_property
    def _detector(self) -> FaceDetector:
        """MTCNN, read when the first picture needs it."""
        if self._given_detector is not None:
            return self._given_detector
        return self.runner.make_detector(self.options)


def _total_score(faces: Sequence[Detection]) -> float:
    return sum(face.score for face in faces)


def _turn_back(faces: Sequence[Detection], turns: int, width: int, height: int) -> list[Detection]:
    """Faces of a picture of that size, which np.rot90 turned -> the same before it."""
    for _ in range(turns):
        faces = [replace(face, box=_turn_box_back(face.box, height)) for face in faces]
        width, height = height, width
    return list(faces)


def _turn_box_back(box: FaceBox, height: int) -> FaceBox:
    left, top, right, bottom = box.as_tuple()
    return FaceBox(height - bottom, left, height - top, right)


def _load_runner(path: Path, device: str, precision: Precision, backend: Backend) -> Runner:
    engine = ENGINES.get(path.suffix.lower())
    if backend != "auto" and engine != (None if backend == "torch" else "onnx"):
        raise ConfigError(
            f"--backend {backend} with {path}",
            "an ONNX file for onnx and openvino, a .pth or .safetensors file for torch",
            "leave --backend out, or name another file; fer-det export makes ONNX files",
        )
    if engine is not None:
        return OnnxRunner.load(
            path, device, precision, "openvino" if backend == "openvino" else engine
        )
    try:
        from fer_det.predict.model_runner import ModelRunner
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("torch", "torchvision"):
            raise
        raise ConfigError(
            f"{path} needs PyTorch, which is not installed",
            "an ONNX file, or PyTorch",
            "pip install torch torchvision, or fer-det export the file where they are",
        ) from error
    return ModelRunner.load(path, device, precision)


def enlarge_boxes(
    faces: list[Detection], width: int, height: int, to_width: int, to_height: int
) -> list[Detection]:
    """Boxes in a picture of width x height pixels -> the same in one of to_width x to_height."""
    if (width, height) == (to_width, to_height):
        return faces
    x, y = to_width / width, to_height / height
    return [replace(face, box=face.box.scaled(x, y)) for face in faces]


def _demand_number(name: str, value: Any, least: float, most: float | None) -> None:
    if isinstance(value, numbers.Real) and least <= float(value) <= (most or float("inf")):
        return
    wanted = f"a number from {least}" + ("" if most is None else f" to {most}")
    raise ConfigError(f"{name} {value!r}", wanted, "change it")
