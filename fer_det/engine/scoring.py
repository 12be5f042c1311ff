"""Predictions of a model on a split, in the form that the evaluation needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fer_det.config.model import ClassifierModelConfig
from fer_det.config.scoring import CropViews
from fer_det.data.crop_views import crop_views
from fer_det.data.face_crops import FaceCrops
from fer_det.data.loader import Batch, PictureDataset, in_order, make_loader
from fer_det.data.voc_dataset import FacePicture, VocDataset
from fer_det.errors import DatasetNotFoundError, TrainingDivergedError
from fer_det.evaluation.calibration import UNCHANGED, apply_temperature
from fer_det.evaluation.picture import FloatArray, ScoredPicture
from fer_det.evaluation.predictions import predicted_classes
from fer_det.imaging.view import View
from fer_det.runtime.device import Hardware
from fer_det.runtime.distributed import Processes
from fer_det.weights.model_file import ModelFile, restore_model


def trained_on(file: ModelFile) -> Path | None:
    """Return the VOC folder that the model was trained on, present or not; None if unknown."""
    path = file.info.get("data", {}).get("path")
    return None if path is None else Path(path)


def find_data(wanted: Path | None, file: ModelFile) -> Path:
    """Return the wanted VOC folder, or without one the folder that the model was trained on.

    Raises DatasetNotFoundError where neither is known and present.
    """
    if wanted is not None:
        return wanted
    known = trained_on(file)
    if known is not None and known.is_dir():
        return known
    found = (
        "no --data, and the model file does not say which folder it was trained on"
        if known is None
        else f"{known}, which the model was trained on, is absent"
    )
    raise DatasetNotFoundError(found, "a VOC folder", "name one with --data")


def open_split(file: ModelFile, data: Path, split: str | Sequence[str]) -> VocDataset:
    """Open a split, or several as one, with a model's input size, padding and classes."""
    config = file.config
    return VocDataset(data, split, config.input_size, config.padding, classes=file.classes)


def score_split(
    file: ModelFile,
    weights: Path,
    hardware: Hardware,
    photos: VocDataset,
    batch_size: int,
    workers: int,
    temperature: float,
    views: CropViews = "one",
    face_size: int | None = None,
) -> Iterator[ScoredPicture]:
    """Yield a model's predictions on all photos, in order; a classifier gets the faces' boxes.

    weights: the file's name in messages; views, face_size: of a classifier, see EvalConfig. Raises
    WeightsError where its model cannot be restored.
    """
    model = hardware.prepare(restore_model(file, weights))
    if isinstance(file.config, ClassifierModelConfig):
        crops = FaceCrops(photos, file.config.face_margin)
        return score_views(
            model, hardware, crops, batch_size, workers, temperature, views, face_size
        )
    pinned = hardware.device.type == "cuda"
    batches = make_loader(photos, in_order(len(photos), batch_size), workers, pinned)
    return score_pictures(model, hardware, photos, batches, temperature)


def score_views(
    model: nn.Module,
    hardware: Hardware,
    crops: FaceCrops,
    batch_size: int,
    workers: int,
    temperature: float = UNCHANGED,
    views: CropViews = "one",
    face_size: int | None = None,
) -> Iterator[ScoredPicture]:
    """Yield a classifier's predictions, each the mean over `views`, on all photos, in order."""
    pinned = hardware.device.type == "cuda"
    passes = []
    for change in crop_views(views, crops.size):
        seen = crops.seen_through(change, face_size)
        batches = make_loader(seen, in_order(len(seen), batch_size), workers, pinned)
        passes.append(score_crops(model, hardware, seen, batches, temperature))
    return score_given_boxes(crops, _averaged(passes))


def score_pictures(
    model: nn.Module,
    hardware: Hardware,
    dataset: VocDataset,
    batches: Iterable[Batch],
    temperature: float = UNCHANGED,
) -> Iterator[ScoredPicture]:
    """Run a detector on batches of `dataset`; boxes are returned in picture pixels.

    temperature: applied to the probabilities. Raises TrainingDivergedError where an output is not
    finite.
    """
    for index, answer in _predict(model, hardware, batches):
        picture = dataset.pictures[index]
        yield _scored(picture, _plain(answer, picture.path.name, temperature), dataset.size)


def score_crops(
    model: nn.Module,
    hardware: Hardware,
    crops: FaceCrops,
    batches: Iterable[Batch],
    temperature: float = UNCHANGED,
) -> Iterator[tuple[int, FloatArray]]:
    """Run a classifier on batches of `crops` -> index of the crop and its C probabilities.

    As `score_pictures`.
    """
    for index, answer in _predict(model, hardware, batches):
        name = crops.pictures[index].path.name
        (row,) = _plain(answer, name, temperature)["target_probabilities"]
        yield index, row


def score_given_boxes(
    crops: FaceCrops, rows: Iterable[tuple[int, FloatArray]]
) -> Iterator[ScoredPicture]:
    """Group the predictions for all crops, in order, by photo; the photos have no detections."""
    of_photo: list[FloatArray] = []
    for index, row in rows:
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


def _averaged(
    passes: Sequence[Iterator[tuple[int, FloatArray]]],
) -> Iterator[tuple[int, FloatArray]]:
    """Yield the mean of what several passes over the same crops predict."""
    # All passes but the last before it, since side by side each would have its own workers.
    before = [[row for _, row in each] for each in passes[:-1]]
    for place, (index, row) in enumerate(passes[-1]):
        yield index, np.mean([*(rows[place] for rows in before), row], axis=0)


def own_batches(
    dataset: PictureDataset, batch_size: int, processes: Processes, workers: int
) -> Iterator[Batch]:
    """Yield this process's share of a split; all processes together get every batch once."""
    batches = list(in_order(len(dataset), batch_size))
    own = batches[processes.rank :: processes.world]
    return make_loader(dataset, own, workers, pin_memory=False)


def to_unit_range(pictures: Tensor, device: torch.device) -> Tensor:
    """[B, 3, S, S] uint8 -> float32 in 0..1, channels last, on that device."""
    moved = pictures.to(device, non_blocking=True)
    return moved.to(torch.float32, memory_format=torch.channels_last).div_(255)


def top1_pairs(picture: ScoredPicture) -> list[tuple[int, int]]:
    """Return (label, answer) of each labelled face, the answer 0 where no box was found."""
    answers = predicted_classes(picture, "top1")
    return list(zip(picture.truth_labels.tolist(), answers.tolist(), strict=True))


@torch.inference_mode()
def _predict(
    model: nn.Module, hardware: Hardware, batches: Iterable[Batch]
) -> Iterator[tuple[int, dict[str, Tensor]]]:
    """Yield each picture's index and the model's output for it and for its ground-truth boxes."""
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
    """name: of the picture, for error messages; the scores keep their float64."""
    found: dict[str, FloatArray] = {
        key: (tensor if tensor.dtype == torch.float64 else tensor.float()).cpu().numpy()
        for key, tensor in answer.items()
    }
    if not all(np.isfinite(values).all() for values in found.values()):
        raise TrainingDivergedError(
            f"a prediction that is not finite on {name}",
            "finite weights",
            "train again with a lower --optimizer.learning_rate",
        )
    for key in ("probabilities", "target_probabilities"):
        found[key] = apply_temperature(found[key], temperature)
    return found
