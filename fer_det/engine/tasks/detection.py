"""Training of a detector on a VOC folder, scored by the class of the best box."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from fer_det.config.training import TrainConfig
from fer_det.data.augment import Augmentation
from fer_det.data.voc_dataset import VocDataset
from fer_det.engine.scoring import own_batches, score_pictures, top1_pairs
from fer_det.engine.tasks import GivenFace, demand_faces, score_answers, temperature_of
from fer_det.models import build_model
from fer_det.models.contract import FaceModel
from fer_det.runtime.device import Hardware
from fer_det.runtime.distributed import Processes


@dataclass(frozen=True)
class DetectionTask:
    """Finds faces and their expressions; see Task."""

    config: TrainConfig
    train: VocDataset
    validation: VocDataset

    @classmethod
    def from_config(cls, config: TrainConfig) -> DetectionTask:
        """Open the splits; raises what VocDataset and demand_faces raise."""
        size, padding = config.model.input_size, config.model.padding
        augmentation = Augmentation(config.augment)
        train = VocDataset(config.data, "train", size, padding, augmentation=augmentation)
        validation = VocDataset(config.data, "val", size, padding, classes=train.classes)
        for split, dataset in (("train", train), ("val", validation)):
            demand_faces(split, dataset.labels, config.data)
        return cls(config, train, validation)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels 1, 2, ..."""
        return self.train.classes

    def calibration(self) -> VocDataset:
        """Return the training split without augmentation."""
        return self.train.without_augmentation()

    def data_hashes(self) -> dict[str, str]:
        """See Task."""
        hashes = {"train": self.train.hash(), "val": self.validation.hash()}
        names = " + ".join(self.train.databases)
        return {"path": str(self.config.data), "datasets": names, **hashes}

    def build_model(self) -> FaceModel:
        """See Task."""
        return build_model(self.config.model, self.classes)

    def validate(
        self, model: nn.Module, hardware: Hardware, processes: Processes
    ) -> dict[str, float]:
        """See Task; the answer to a face is the class of the picture's best box."""
        config = self.config
        batches = own_batches(self.validation, config.batch_size, processes, config.workers)
        pairs: list[tuple[int, int]] = []
        given: list[GivenFace] = []
        for picture in score_pictures(model, hardware, self.validation, batches):
            pairs += top1_pairs(picture)
            assert picture.truth_probabilities is not None
            given += zip(picture.truth_labels.tolist(), picture.truth_probabilities, strict=True)
        return {
            **score_answers(processes.gather(pairs), len(self.classes)),
            "temperature": temperature_of(processes.gather(given)),
        }
