"""Training of a classifier on the labelled faces of a VOC folder, each in its own box."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from fer_det.config.classifier import TrainClassifierConfig
from fer_det.data.augment import Augmentation
from fer_det.data.face_crops import FaceCrops
from fer_det.data.label_targets import LabelTargets
from fer_det.data.voc_dataset import VocDataset
from fer_det.engine.scoring import own_batches, score_crops
from fer_det.engine.tasks import GivenFace, demand_faces, score_answers, temperature_of
from fer_det.losses import build_loss
from fer_det.models import build_model
from fer_det.models.contract import FaceModel
from fer_det.runtime.device import Hardware
from fer_det.runtime.distributed import Processes


@dataclass(frozen=True)
class ClassificationTask:
    """Finds the expression of faces whose boxes are given; see Task."""

    config: TrainClassifierConfig
    train: FaceCrops
    validation: FaceCrops
    loss: nn.Module

    @classmethod
    def from_config(cls, config: TrainClassifierConfig) -> ClassificationTask:
        """Open the splits.

        Raises what VocDataset and demand_faces raise, and ConfigError for an unknown loss.
        """
        model = config.model
        photos = VocDataset(config.data, "train", model.input_size, model.padding)
        targets = LabelTargets(config.labels, config.label_smoothing, config.mixup)
        train = FaceCrops(photos, model.face_margin, Augmentation(config.augment), targets)
        validation = VocDataset(
            config.data, "val", model.input_size, model.padding, classes=photos.classes
        )
        for split, dataset in (("train", photos), ("val", validation)):
            demand_faces(split, dataset.labels, config.data)
        loss = build_loss(config, len(photos.classes))
        return cls(config, train, FaceCrops(validation, model.face_margin), loss)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels 1, 2, ..."""
        return self.train.classes

    def calibration(self) -> FaceCrops:
        """Return the training split without augmentation."""
        return self.train.without_augmentation()

    def data_hashes(self) -> dict[str, str]:
        """See Task."""
        hashes = {"train": self.train.hash(), "val": self.validation.hash()}
        names = " + ".join(self.train.photos.databases)
        return {"path": str(self.config.data), "datasets": names, **hashes}

    def build_model(self) -> FaceModel:
        """See Task."""
        return build_model(self.config.model, self.classes, loss=self.loss)

    def validate(
        self, model: nn.Module, hardware: Hardware, processes: Processes
    ) -> dict[str, float]:
        """See Task; the miss rate is 0."""
        config = self.config
        batches = own_batches(self.validation, config.batch_size, processes, config.workers)
        given: list[GivenFace] = processes.gather(
            [
                (self.validation.pictures[index].label, row)
                for index, row in score_crops(model, hardware, self.validation, batches)
            ]
        )
        pairs = [(label, int(row.argmax()) + 1) for label, row in given]
        scores = score_answers(pairs, len(self.classes))
        return {**scores, "temperature": temperature_of(given)}
