"""A checkpoint's answers on a split of a VOC folder, be it a detector's or a classifier's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fer_det.data.face_crops import FaceCrops
from fer_det.data.loader import in_order, make_loader
from fer_det.data.voc_dataset import VocDataset
from fer_det.engine.scoring import score_crops, score_given_boxes, score_pictures
from fer_det.errors import DatasetNotFoundError
from fer_det.evaluation.picture import ScoredPicture
from fer_det.models import CLASSIFIERS
from fer_det.runtime.device import Hardware
from fer_det.weights.checkpoint import Checkpoint
from fer_det.weights.restore import restore_model


def trained_on(checkpoint: Checkpoint) -> Path | None:
    """The VOC folder that the checkpoint was trained on, there or not; None where it is silent."""
    path = checkpoint.info.get("data", {}).get("path")
    return None if path is None else Path(path)


def find_data(asked: Path | None, checkpoint: Checkpoint) -> Path:
    """The VOC folder asked for, or the one that the checkpoint was trained on."""
    if asked is not None:
        return asked
    known = trained_on(checkpoint)
    if known is not None and known.is_dir():
        return known
    raise DatasetNotFoundError(
        f"{known or 'the folder'}, which the checkpoint was trained on, is absent",
        "a VOC folder",
        "name one with --data",
    )


def split_as_seen_by(checkpoint: Checkpoint, data: Path, split: str) -> VocDataset:
    """A split in the size, with the padding and for the classes of a checkpoint."""
    config = checkpoint.config
    return VocDataset(data, split, config.input_size, config.padding, classes=checkpoint.classes)


def split_answers(
    checkpoint: Checkpoint,
    weights: Path,
    hardware: Hardware,
    photos: VocDataset,
    batch_size: int,
    workers: int,
    temperature: float,
) -> Iterator[ScoredPicture]:
    """What the model says of all photos, in order; a classifier is given the faces' boxes.

    weights: where the checkpoint came from. Raises WeightsError where its model cannot be restored.
    """
    model = hardware.prepare(restore_model(checkpoint, weights))
    pinned = hardware.device.type == "cuda"
    if checkpoint.config.name in CLASSIFIERS:
        crops = FaceCrops(photos, checkpoint.config.face_margin)
        batches = make_loader(crops, in_order(len(crops), batch_size), workers, pinned)
        answers = score_crops(model, hardware, crops, batches, temperature)
        return score_given_boxes(crops, answers)
    batches = make_loader(photos, in_order(len(photos), batch_size), workers, pinned)
    return score_pictures(model, hardware, photos, batches, temperature)
