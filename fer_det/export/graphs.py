"""A model as the function that is traced: pictures in, tensors out, nothing else."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxCoder

from fer_det.export.contract import Contract
from fer_det.models.contract import FaceModel, select_detections


class Core(nn.Module):
    """The layers alone: what FaceModel.raw_outputs returns, in its order."""

    def __init__(self, model: FaceModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """[B, 3, S, S] in 0..1 -> logits, and of a detector deltas and anchors."""
        return tuple(self.model.raw_outputs(images).values())


class Complete(nn.Module):
    """The whole answer, with the temperature; of a detector to one picture."""

    def __init__(self, model: FaceModel, contract: Contract) -> None:
        super().__init__()
        self.model, self.contract = model, contract

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        """[B, 3, S, S] in 0..1 -> probabilities [B, C]; of a detector boxes [M, 4] in input
        pixels, scores [M] and probabilities [M, C], highest score first."""
        contract = self.contract
        found = self.model.raw_outputs(images, contract.candidates)
        if contract.kind == "classifier":
            return (found["logits"] / contract.temperature).softmax(-1)
        assert contract.box_weights is not None
        assert contract.nms_iou is not None
        assert contract.detections is not None
        logits, deltas, anchors = found["logits"][0], found["deltas"][0], found["anchors"]
        boxes = BoxCoder(contract.box_weights).decode_single(deltas, anchors)
        size = float(contract.input_size)
        result = select_detections(
            boxes, logits, (size, size), contract.nms_iou, contract.detections
        )
        # The softmax of log p / T is that of the logits divided by T.
        tempered = (result["probabilities"].log() / contract.temperature).softmax(-1)
        return result["boxes"], result["scores"].to(torch.float32), tempered
