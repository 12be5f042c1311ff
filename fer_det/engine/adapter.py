"""A classifier of another project, run as its adapter.yaml says, on the faces of a VOC folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision import models as torchvision_models

from fer_det.config.adapter import NO_CLASS, AdapterConfig
from fer_det.core.sample import Point
from fer_det.data.face_crops import FaceCrop, FaceCrops
from fer_det.data.voc_dataset import VocDataset
from fer_det.errors import ConfigError, WeightsError
from fer_det.evaluation.predictions import MIN_IOU, iou_matrix
from fer_det.export.contract import METADATA_KEY, Contract
from fer_det.export.sessions import open_onnxruntime
from fer_det.faces import Mtcnn
from fer_det.imaging.view import View
from fer_det.weights.formats.state_dict import read_state_dict

ONNX = ".onnx"

Network = Callable[[Tensor], Tensor]
"""Input as the adapter describes it -> the answer [B, K]."""


class AdaptedClassifier(nn.Module):
    """Answers as a classifier of fer_det does, for batches of face crops."""

    _joins: Tensor
    """[K, C], 1 where the answer's number stands for the class."""

    def __init__(self, adapter: AdapterConfig, classes: Sequence[str], network: Network) -> None:
        """classes: the names of the labels 1, 2, ... of the answers."""
        super().__init__()
        self._adapter, self._network = adapter, network
        names = adapter.class_names
        self._columns = [k for k, name in enumerate(names) if name != NO_CLASS]
        joins = [[float(name == label) for label in classes] for name in names if name != NO_CLASS]
        self.register_buffer("_joins", torch.tensor(joins), persistent=False)

    def forward(self, images: Tensor, targets: Sequence[dict[str, Tensor]]) -> list[dict[str, Any]]:
        """Images [B, 3, S, S] in 0..1 and targets with boxes -> probabilities, as FaceModel's."""
        answers = self._network(self.prepare(images))
        wanted = (len(images), len(self._adapter.classes))
        if tuple(answers.shape) != wanted:
            raise WeightsError(
                f"an answer of {list(answers.shape)} to {len(images)} faces",
                f"{list(wanted)}, one number for each of the adapter's classes",
                "correct the classes in the adapter, with - for a number that is no class",
            )
        kept = answers[:, self._columns].float()
        if self._adapter.kind == "logits":
            kept = (kept / self._adapter.temperature).softmax(1)
        shares = kept @ self._joins
        totals = shares.sum(1, keepdim=True)
        even = torch.full_like(shares, 1 / shares.shape[1])
        rows = torch.where(totals > 0, shares / totals, even)
        return [
            {"probabilities": row[None], "target_probabilities": row.expand(len(of["boxes"]), -1)}
            for row, of in zip(rows, targets, strict=True)
        ]

    def prepare(self, images: Tensor) -> Tensor:
        """Images [B, 3, S, S], RGB in 0..1, as the network takes them."""
        adapter = self._adapter
        if adapter.channels == "gray":
            # ITU-R BT.601, as Pillow and OpenCV turn pictures gray.
            weights = images.new_tensor([0.299, 0.587, 0.114])[:, None, None]
            images = (images * weights).sum(1, keepdim=True)
        elif adapter.channels == "bgr":
            images = images.flip(1)
        mean, std = (images.new_tensor(each)[:, None, None] for each in (adapter.mean, adapter.std))
        scaled = (images * adapter.white - mean) / std
        if adapter.layout == "nhwc":
            scaled = scaled.permute(0, 2, 3, 1)
        return scaled.contiguous()


class AlignedFaceCrops(FaceCrops):
    """Faces turned and scaled so that MTCNN's landmarks come to the adapter's places."""

    def __init__(self, photos: VocDataset, adapter: AdapterConfig) -> None:
        super().__init__(photos, adapter.face_margin)
        self._places = np.array(adapter.alignment, np.float64).reshape(5, 2)
        self._mtcnn = Mtcnn()
        self.without_landmarks: set[tuple[str, int]] = set()
        """Faces, by picture and row, that MTCNN did not find."""

    def _view(self, crop: FaceCrop, pixels: NDArray[np.uint8]) -> View:
        (found,) = self._mtcnn.detect([pixels])
        boxes = np.array([each.box.as_tuple() for each in found], np.float64).reshape(-1, 4)
        overlaps = iou_matrix(boxes, np.array([crop.box.as_tuple()]))[:, 0]
        if not len(found) or overlaps.max() < MIN_IOU / 2:
            self.without_landmarks.add((crop.picture.image_id, crop.row))
            return super()._view(crop, pixels)
        return align(found[int(overlaps.argmax())].landmarks, self._places, self.size)


def align(landmarks: Sequence[Point], places: NDArray[np.float64], size: int) -> View:
    """Return the view that moves landmarks [5] closest to places [5, 2] of a square of `size`.

    Turned, scaled and shifted, never mirrored; the least sum of squares.
    """
    # Landmarks and places count pixel centres from 0, a view counts edges.
    source = np.array(landmarks, np.float64) + 0.5
    wanted = places + 0.5
    ones, zeros = np.ones(len(source)), np.zeros(len(source))
    x, y = source.T
    equations = np.concatenate(
        [np.column_stack([x, -y, ones, zeros]), np.column_stack([y, x, zeros, ones])]
    )
    solution = np.linalg.lstsq(equations, wanted.T.reshape(-1), rcond=None)[0]
    cosine, sine, shift_x, shift_y = solution
    return View(np.array([[cosine, -sine, shift_x], [sine, cosine, shift_y]]), size)


def contract_adapter(path: Path) -> AdapterConfig | None:
    """Return the adapter of an ONNX file of fer-det export; None for another file.

    Raises what `open_onnxruntime` raises, and ConfigError for a detector.
    """
    metadata = open_onnxruntime(path).get_modelmeta().custom_metadata_map
    if METADATA_KEY not in metadata:
        return None
    contract = Contract.from_metadata(metadata, str(path))
    if contract.face_margin is None:
        raise ConfigError(
            f"{path}, a detector's ONNX file", "the file that it was exported from", "name that"
        )
    return AdapterConfig(
        classes=contract.classes,
        input_size=contract.input_size,
        face_margin=contract.face_margin,
        padding=contract.padding,
        kind="probabilities" if contract.form == "complete" else "logits",
        temperature=contract.temperature,
        extra="keep",
        source=contract.source,
        licence=contract.licence,
    )


def load_network(path: Path, adapter: AdapterConfig) -> Network:
    """Open the model's file.

    Raises WeightsNotFoundError, WeightsError, and ConfigError for a file that does not fit.
    """
    if path.suffix == ONNX:
        return _onnx_network(path, adapter)
    names = torchvision_models.list_models(module=torchvision_models)
    if adapter.architecture not in names:
        raise ConfigError(
            f"{path}, a state dict, with the architecture {adapter.architecture or 'left out'}",
            "an ONNX file, or the name of a torchvision classifier, such as resnet18",
            "correct the adapter",
        )
    state = read_state_dict(path)
    network: nn.Module = torchvision_models.get_model(
        adapter.architecture, weights=None, num_classes=len(adapter.classes)
    )
    wanted = network.state_dict()
    for name in sorted(wanted.keys() | state.keys()):
        found, own = (tuple(each[name].shape) if name in each else None for each in (state, wanted))
        if found != own and not name.endswith("num_batches_tracked"):
            raise WeightsError(
                f"{path} has {name} {found or 'not at all'}",
                f"{own or 'nothing of that name'} as in {adapter.architecture} with "
                f"{len(adapter.classes)} classes",
                "correct architecture and classes in the adapter",
            )
    network.load_state_dict(state, strict=False)
    return network.eval()


def _onnx_network(path: Path, adapter: AdapterConfig) -> Network:
    session = open_onnxruntime(path)
    (entry, *others), outputs = session.get_inputs(), [each.name for each in session.get_outputs()]
    channels, side = 1 if adapter.channels == "gray" else 3, adapter.input_size
    shape = (channels, side, side) if adapter.layout == "nchw" else (side, side, channels)
    fixed = [size if isinstance(size, int) else None for size in entry.shape]
    fits = len(fixed) == 4 and all(
        size in (None, own) for size, own in zip(fixed[1:], shape, strict=True)
    )
    if others or not fits:
        raise WeightsError(
            f"{path} with the input {entry.name} {entry.shape}" + (" and others" * bool(others)),
            f"one input of [N, {', '.join(map(str, shape))}] as the adapter says",
            "correct input_size, channels or layout in the adapter",
        )
    output = adapter.output or outputs[0]
    if output not in outputs:
        raise WeightsError(
            f"{path} without the output {output}", f"one of {', '.join(outputs)}", "correct output"
        )

    def run(batch: Tensor) -> Tensor:
        pixels = batch.cpu().numpy()
        parts = [pixels] if fixed[0] in (None, len(pixels)) else list(pixels[:, None])
        answers = [session.run([output], {entry.name: part})[0] for part in parts]
        return torch.from_numpy(np.concatenate(answers)).to(batch.device)

    return run
