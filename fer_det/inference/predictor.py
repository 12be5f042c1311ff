"""A checkpoint that answers pictures: from a file or pixels to the faces in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_det.box import FaceBox
from fer_det.checkpoint import Checkpoint, load_checkpoint
from fer_det.detection import Detection
from fer_det.errors import WeightsError
from fer_det.image import load_rgb8
from fer_det.letterbox import Letterbox, warp
from fer_det.models import CLASSIFIERS, build_model


class Predictor:
    """The faces of a picture, surest first.

        predictor = Predictor.from_checkpoint(Path("best.pth"))
        for face in predictor(Path("photo.jpg")):
            print(face.expression, face.box)

    The picture is scaled exactly as in training and scoring.
    """

    def __init__(self, model: nn.Module, checkpoint: Checkpoint) -> None:
        self._model = model.eval()
        self._config = checkpoint.config
        self._classes = checkpoint.classes

    @classmethod
    def from_checkpoint(cls, path: Path) -> Predictor:
        """Read a detector's best.pth; raises WeightsNotFoundError and WeightsError."""
        checkpoint = load_checkpoint(path)
        if checkpoint.config.name in CLASSIFIERS:
            raise WeightsError(
                f"{path} is a classifier, which finds no faces",
                "a detector's checkpoint",
                f"train one with tools/train_frcnn.py --init {path}",
            )
        model = build_model(checkpoint.config, checkpoint.classes)
        model.load_state_dict(checkpoint.model)
        return cls(model, checkpoint)

    @torch.inference_mode()
    def __call__(
        self, picture: Path | NDArray[np.uint8], min_score: float = 0.5
    ) -> list[Detection]:
        """picture: a file, or [H, W, 3] RGB -> faces with at least `min_score`, in its pixels.

        Raises ImageError for a file that is no whole picture.
        """
        pixels = load_rgb8(picture) if isinstance(picture, Path) else picture
        height, width = pixels.shape[:2]
        letterbox = Letterbox(width, height, self._config.input_size)
        scaled = warp(pixels, letterbox.matrix(), letterbox.size, self._config.padding)
        batch = torch.from_numpy(scaled).permute(2, 0, 1)[None].float().div_(255)
        (answer,) = self._model(batch.contiguous(memory_format=torch.channels_last))
        boxes = letterbox.boxes_to_picture(answer["boxes"].numpy())
        return [
            self._detection(box, score, probabilities)
            for box, score, probabilities in zip(
                boxes, answer["scores"].tolist(), answer["probabilities"], strict=True
            )
            if score >= min_score and box[2] > box[0] and box[3] > box[1]
        ]

    def _detection(
        self, box: NDArray[np.float32], score: float, probabilities: Tensor
    ) -> Detection:
        return Detection(
            box=FaceBox(*(float(edge) for edge in box)),
            score=score,
            probabilities=dict(zip(self._classes, probabilities.tolist(), strict=True)),
        )
