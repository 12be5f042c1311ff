"""What a model answers on a split, as the evaluation wants it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from fer_det.data.face_crops import FaceCrops
from fer_det.data.loader import Batch
from fer_det.data.voc_dataset import FacePicture, VocDataset
from fer_det.errors import TrainingDivergedError
from fer_det.evaluation.calibration import UNCHANGED, apply_temperature
from fer_det.evaluation.picture import FloatArray, ScoredPicture
from fer_det.evaluation.predictions import predicted_classes
from fer_det.imaging.view import View
from fer_det.runtime.device import Hardware


def score_pictures(
    model: nn.Module,
    hardware: Hardware,
    dataset: VocDataset,
    batches: Iterable[Batch],
    temperature: float = UNCHANGED,
) -> Iterator[ScoredPicture]:
    """Run the model, in evaluation, on batches of `dataset`; boxes come back in picture pixels.

    temperature: the checkpoint's, by which the probabilities are softened.

    Raises TrainingDivergedError where an answer is not finite.
    """
    for index, answer in _answers(model, hardware, batches):
        picture = dataset.pictures[index]
        yield _scored(picture, _plain(answer, picture.path.name, temperature), dataset.size)


def score_crops(
    model: nn.Module,
    hardware: Hardware,
    crops: FaceCrops,
    batches: Iterable[Batch],
    temperature: float = UNCHANGED,
) -> Iterator[tuple[int, FloatArray]]:
    """Run a classifier on batches of `crops` -> which crop, and its C probabilities.

    temperature: as in `score_pictures`.

    Raises TrainingDivergedError where an answer is not finite.
    """
    for index, answer in _answers(model, hardware, batches):
        name = crops.pictures[index].path.name
        (row,) = _plain(answer, name, temperature)["target_probabilities"]
        yield index, row


def score_given_boxes(
    crops: FaceCrops, answers: Iterable[tuple[int, FloatArray]]
) -> Iterator[ScoredPicture]:
    """Gather the answers of all crops, in order, by photo; there are no detections among them."""
    of_photo: list[FloatArray] = []
    for index, row in answers:
        of_photo.append(row)
        photo = crops.pictures[index].picture
        labelled = photo.labels > 0
        if len(of_photo) == labelled.sum():
            yield ScoredPicture(
                image_id=photo.image_id,
                width=photo.width,
                height=photo.height,
                truth_boxes=photo.boxes[labelled],
                truth_labels=photo.labels[labelled].astype(np.int64),
                ignore_boxes=photo.boxes[~labelled],
                boxes=np.empty((0, 4), np.float32),
                scores=np.empty(0, np.float32),
                probabilities=np.empty((0, len(row)), np.float32),
                truth_probabilities=np.stack(of_photo),
            )
            of_photo = []


def to_unit_range(pictures: Tensor, device: torch.device) -> Tensor:
    """[B, 3, S, S] uint8 -> float32 in 0..1, channels last, on that device."""
    moved = pictures.to(device, non_blocking=True)
    return moved.to(torch.float32, memory_format=torch.channels_last).div_(255)


def top1_pairs(picture: ScoredPicture) -> list[tuple[int, int]]:
    """(label, answer) of each labelled face, the answer 0 where no box was found."""
    answers = predicted_classes(picture, "top1")
    return list(zip(picture.truth_labels.tolist(), answers.tolist(), strict=True))


@torch.inference_mode()
def _answers(
    model: nn.Module, hardware: Hardware, batches: Iterable[Batch]
) -> Iterator[tuple[int, dict[str, Tensor]]]:
    """Which picture, and what the model, in evaluation, says of it and of its own boxes."""
    model.eval()
    for pictures, targets in batches:
        images = to_unit_range(pictures, hardware.device)
        placed = [{"boxes": target["boxes"].to(hardware.device)} for target in targets]
        with hardware.autocast():
            answers = model(images, placed)
        for target, answer in zip(targets, answers, strict=True):
            yield int(target["index"]), answer


def _scored(picture: FacePicture, found: dict[str, FloatArray], size: int) -> ScoredPicture:
    labelled = picture.labels > 0
    view = View.whole(picture.width, picture.height, size)
    return ScoredPicture(
        image_id=picture.image_id,
        width=picture.width,
        height=picture.height,
        truth_boxes=picture.boxes[labelled],
        truth_labels=picture.labels[labelled].astype(np.int64),
        ignore_boxes=picture.boxes[~labelled],
        boxes=view.boxes_to_picture(found["boxes"], picture.width, picture.height),
        scores=found["scores"],
        probabilities=found["probabilities"],
        truth_probabilities=found["target_probabilities"][labelled],
    )


def _plain(answer: dict[str, Tensor], name: str, temperature: float) -> dict[str, FloatArray]:
    """name: of the picture that it is the answer for."""
    found: dict[str, FloatArray] = {
        key: tensor.float().cpu().numpy() for key, tensor in answer.items()
    }
    if not all(np.isfinite(values).all() for values in found.values()):
        raise TrainingDivergedError(
            f"an answer that is not finite on {name}",
            "finite weights",
            "train again with a lower --optimizer.learning_rate",
        )
    for key in ("probabilities", "target_probabilities"):
        found[key] = apply_temperature(found[key], temperature)
    return found
