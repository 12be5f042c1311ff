"""An exported ONNX file as a detector or classifier, without PyTorch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.core.detection import Detection
from fer_det.core.expression import Expression
from fer_det.core.picture import read_image_bytes
from fer_det.errors import ConfigError, WeightsError
from fer_det.export.contract import Contract
from fer_det.export.decoding import Floats, select_detections, softmax
from fer_det.export.sessions import Engine, Session, open_session
from fer_det.imaging.decode import decode_rgb8
from fer_det.imaging.view import View

Pixels = NDArray[np.uint8]


class OnnxModel:
    """Answers as the model file does from which the ONNX file was exported.

    detector = OnnxModel.load("detector.onnx")
    for face in detector("photo.jpg"):
        print(face.expression.label, face.box)

    classifier = OnnxModel.load("classifier.onnx")
    (face,) = classifier.classify(pixels, [FaceBox(40, 30, 120, 130)])
    """

    def __init__(self, session: Session, name: str) -> None:
        """name: of the file, for messages."""
        self.contract = Contract.from_metadata(session.metadata, name)
        try:
            self.expressions = tuple(map(Expression.from_label, self.contract.classes))
        except KeyError as error:
            raise WeightsError(
                f"{name} with the class {error}", "expressions", "name another file"
            ) from error
        self.engine = session.title
        """The package that runs it."""
        self._session, self._name = session, name

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], threads: int = 0, engine: Engine = "onnx"
    ) -> OnnxModel:
        """Open a file; threads: of the processor, 0 for all. Raises what open_session does."""
        model = cls(open_session(Path(path), engine, threads), str(path))
        if engine == "openvino" and not (model.contract.form == "core" or model.is_classifier):
            # Measured with 2026.4: other boxes are left than with torch and onnxruntime.
            raise ConfigError(
                f"{path} selects its boxes inside the file, which OpenVINO does differently",
                "a detector's file of fer-det export --to onnx-core, or onnxruntime",
                "export it with --to onnx-core, or leave out --backend openvino",
            )
        return model

    @property
    def is_classifier(self) -> bool:
        """Whether it needs the boxes of faces."""
        return self.contract.kind == "classifier"

    def __call__(
        self, picture: str | os.PathLike[str] | Pixels, min_score: float | None = None
    ) -> list[Detection]:
        """A picture, [H, W, 3] RGB or a file -> its faces, highest score first.

        min_score: by default the file's. Boxes are in the picture's pixels. Raises ConfigError for
        a classifier, ImageError, and DatasetNotFoundError for a file that is absent.
        """
        if self.is_classifier:
            raise ConfigError(
                f"{self._name} is a classifier, which finds no faces",
                "a detector's file, or boxes of faces",
                "call classify(pixels, boxes)",
            )
        least = self.contract.thresholds.score if min_score is None else min_score
        pixels, (full_width, full_height) = _decode(picture)
        height, width = pixels.shape[:2]
        view = View.whole(width, height, self.contract.input_size)
        found, scores, probabilities = self.detect(self._render(pixels, view)[None])
        boxes = view.boxes_to_picture(found, width, height)
        boxes *= np.tile(np.array([full_width / width, full_height / height], np.float32), 2)
        return [
            Detection(FaceBox(*box), score, self._by_expression(row))
            for box, score, row in zip(boxes.tolist(), scores.tolist(), probabilities, strict=True)
            if score >= least and box[2] > box[0] and box[3] > box[1]
        ]

    def classify(
        self, picture: str | os.PathLike[str] | Pixels, boxes: Sequence[FaceBox]
    ) -> list[Detection]:
        """Return the expressions of faces that something else has found, in the order of `boxes`.

        boxes: in the picture's pixels, upright. Scores are 1. Raises ConfigError for a detector's
        file, and what reading a picture raises.
        """
        margin = self.contract.face_margin
        if margin is None:
            raise ConfigError(
                f"{self._name} is a detector", "a classifier's file", "call it with the picture"
            )
        pixels, (full_width, full_height) = _decode(picture)
        height, width = pixels.shape[:2]
        inside = [box.scaled(width / full_width, height / full_height) for box in boxes]
        size = self.contract.input_size
        crops = [self._render(pixels, View.face(box, margin, size)) for box in inside]
        rows: Sequence[Floats] = [*self.probabilities(np.stack(crops))] if crops else []
        return [
            Detection(box, 1.0, self._by_expression(row))
            for box, row in zip(boxes, rows, strict=True)
        ]

    def probabilities(self, images: Floats) -> Floats:
        """Run a classifier: [B, 3, S, S] in 0..1 -> [B, C] after the temperature."""
        batches = images[:, None] if self.contract.fixed_batch else [images]
        answers = np.concatenate([self._run(batch)[0] for batch in batches])
        if self.contract.form == "complete":
            return answers
        return softmax(answers, self.contract.temperature)

    def detect(self, images: Floats) -> tuple[Floats, Floats, Floats]:
        """Run a detector: one picture [1, 3, S, S] in 0..1 -> boxes [M, 4] in the input's pixels,
        scores [M] and probabilities [M, C], highest score first."""
        if self.contract.form == "complete":
            boxes, scores, probabilities = self._run(images)
            return boxes, scores, probabilities
        logits, deltas, anchors = self._run(images)
        return select_detections(logits[0], deltas[0], anchors, self.contract)

    def _run(self, images: Floats) -> list[Floats]:
        answers = self._session.run(images)
        if not all(np.isfinite(values).all() for values in answers):
            raise WeightsError(
                f"{self._name} gives answers that are not finite", "finite weights", "export again"
            )
        return answers

    def _render(self, pixels: Pixels, view: View) -> Floats:
        """-> [3, S, S] in 0..1."""
        rendered = view.render(pixels, self.contract.padding)
        planes: Floats = rendered.transpose(2, 0, 1).astype(np.float32) / np.float32(255)
        return planes

    def _by_expression(self, row: Floats) -> dict[Expression, float]:
        return dict(zip(self.expressions, row.tolist(), strict=True))


def _decode(picture: str | os.PathLike[str] | Pixels) -> tuple[Pixels, tuple[int, int]]:
    """-> pixels [H, W, 3], and the (width, height) in which boxes are given."""
    if isinstance(picture, np.ndarray):
        return picture, (picture.shape[1], picture.shape[0])
    name = os.fspath(picture)
    decoded = decode_rgb8(read_image_bytes(Path(name)), name, reduce=True)
    return decoded.pixels, decoded.size
