"""Run the model of a checkpoint with PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fer_det.config.model import ClassifierModelConfig, Precision
from fer_det.config.predict import FaceOptions
from fer_det.errors import WeightsError
from fer_det.models import is_detector
from fer_det.predict.pixels import Pixels
from fer_det.predict.runner import CONTEXT, Answer, Runner
from fer_det.runtime.device import Hardware, choose_hardware
from fer_det.weights.model_file import UNKNOWN_BELOW, ModelFile, read_model_file, restore_model

if TYPE_CHECKING:
    from fer_det.faces.detector import FaceDetector


class ModelRunner(Runner):
    """A model of the contract, in the arithmetic of the machine."""

    def __init__(self, model: nn.Module, checkpoint: ModelFile, hardware: Hardware) -> None:
        """Raises WeightsError for a class that is no Expression."""
        config = checkpoint.config
        margin = config.face_margin if isinstance(config, ClassifierModelConfig) else CONTEXT
        super().__init__(
            checkpoint.classes,
            config.input_size,
            config.padding,
            None if is_detector(config) else margin,
            checkpoint.temperature,
            float(checkpoint.info.get(UNKNOWN_BELOW, 0.0)),
        )
        self.hardware, self.precision = hardware, hardware.precision
        self._model = hardware.prepare(model)

    @classmethod
    def load(cls, path: Path, device: str, precision: Precision) -> ModelRunner:
        """Read a model file. Raises what Predictor.from_checkpoint does."""
        hardware = choose_hardware(device, precision)
        checkpoint = read_model_file(path)
        return cls(restore_model(checkpoint, path), checkpoint, hardware)

    def describe(self) -> str:
        """Return `cpu, bfloat16, 2 threads` or the like."""
        return self.hardware.describe()

    def make_detector(self, options: FaceOptions) -> FaceDetector:
        """Return MTCNN as the options ask for it."""
        if options.mtcnn == "exact":
            from fer_det.faces.mtcnn.cascade import Mtcnn

            return Mtcnn()
        from fer_det.faces.mtcnn.fast import FastMtcnn

        return FastMtcnn(options.smallest_face)

    @torch.inference_mode()
    def _run(
        self, inputs: Sequence[Pixels], targets: Sequence[NDArray[np.float32]] | None = None
    ) -> list[Answer]:
        device = self.hardware.device
        batch = torch.from_numpy(np.stack(inputs)).to(device).permute(0, 3, 1, 2)
        images = batch.to(torch.float32, memory_format=torch.channels_last).div_(255)
        with self.hardware.autocast():
            if targets is None:
                answers = self._model(images)
            else:
                placed = [{"boxes": torch.from_numpy(boxes).to(device)} for boxes in targets]
                answers = self._model(images, placed)
        return [_to_numpy(answer) for answer in answers]


def _to_numpy(answer: dict[str, Tensor]) -> Answer:
    found = {name: tensor.float().cpu().numpy() for name, tensor in answer.items()}
    if not all(np.isfinite(values).all() for values in found.values()):
        raise WeightsError(
            "a checkpoint whose answers are not finite", "finite weights", "train it again"
        )
    return found
