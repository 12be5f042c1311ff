"""Run an exported file with onnxruntime, OpenVINO or LiteRT; nothing here imports PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fer_det.config.model import Precision
from fer_det.config.predict import FaceOptions
from fer_det.errors import ConfigError
from fer_det.export.onnx_model import OnnxModel
from fer_det.export.sessions import Engine
from fer_det.predict.pixels import Pixels
from fer_det.predict.runner import Answer, Runner

if TYPE_CHECKING:
    from fer_det.faces.detector import FaceDetector

ENGINES: Mapping[str, Engine] = {".onnx": "onnx", ".tflite": "litert"}
"""What runs a file with that suffix, unless --backend says otherwise."""


class OnnxRunner(Runner):
    """A file of `fer-det export`, on the processor.

    A detector's file has no input for boxes, so such a model always finds the faces itself, in
    large pictures in tiles.
    """

    def __init__(self, model: OnnxModel, engine: Engine = "onnx") -> None:
        """engine: what runs MTCNN."""
        contract = model.contract
        # The temperature is applied by the file, or by OnnxModel.
        super().__init__(
            contract.classes,
            contract.input_size,
            contract.padding,
            contract.face_margin,
            unknown_below=contract.thresholds.unknown,
        )
        self._model, self._engine = model, engine

    @classmethod
    def load(
        cls, path: Path, device: str, precision: Precision, engine: Engine = "onnx"
    ) -> OnnxRunner:
        """Open a file. Raises what OnnxModel.load does, and ConfigError for other hardware."""
        for flag, value, only in (("device", device, "cpu"), ("precision", precision, "float32")):
            if value not in ("auto", only):
                raise ConfigError(
                    f"--{flag} {value} with {path}, an exported file",
                    f"auto or {only}",
                    "leave the flag out",
                )
        return cls(OnnxModel.load(path, engine=engine), "onnx" if engine == "litert" else engine)

    def describe(self) -> str:
        """Return `cpu, onnxruntime, weights in float32` or the like."""
        return f"cpu, {self._model.engine}, weights in {self._model.contract.dtype}"

    def make_detector(self, options: FaceOptions) -> FaceDetector:
        """Return the fast MTCNN."""
        from fer_det.export.onnx_mtcnn import OnnxMtcnn

        return OnnxMtcnn(options.smallest_face, engine=self._engine)

    def settle(self, options: FaceOptions) -> FaceOptions:
        """Return the options as this model follows them; ConfigError where it cannot."""
        options = super().settle(options)
        if self.finds_faces:
            if options.faces == "mtcnn":
                raise ConfigError(
                    "--faces mtcnn with a detector's exported file, which takes no boxes",
                    "--faces auto or model, a classifier's file, or the .pth file",
                    "change the flag",
                )
            return replace(options, faces="model")
        if options.mtcnn == "exact":
            raise ConfigError(
                "--mtcnn exact with an exported file; that form needs PyTorch",
                "--mtcnn fast, or the .pth file",
                "change the flag",
            )
        return options

    def _run(
        self, inputs: Sequence[Pixels], targets: Sequence[NDArray[np.float32]] | None = None
    ) -> list[Answer]:
        planes = np.stack(inputs).transpose(0, 3, 1, 2)
        images = np.ascontiguousarray(planes, np.float32) / np.float32(255)
        if targets is not None:
            rows = self._model.probabilities(images)
            return [{"target_probabilities": row[None]} for row in rows]
        answers = [self._model.detect(image[None]) for image in images]
        return [
            {"boxes": boxes, "scores": scores, "probabilities": rows}
            for boxes, scores, rows in answers
        ]
