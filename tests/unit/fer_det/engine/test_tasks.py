"""What training refuses before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_data.voc_tree import write_voc_tree

from fer_det.config.classifier import TrainClassifierConfig
from fer_det.config.training import TrainConfig
from fer_det.engine.tasks.classification import ClassificationTask
from fer_det.engine.tasks.detection import DetectionTask
from fer_det.errors import DatasetFormatError
from fer_det.models.mobilenet_classifier.config import Config as ClassifierModel
from fer_det.models.ssdlite.config import Config as DetectorModel


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_split_without_a_labelled_face(tmp_path: Path, split: str) -> None:
    write_voc_tree(tmp_path, {"train": ["fear"], "val": ["fear"]} | {split: [()]})
    refused = pytest.raises(DatasetFormatError, match=f"the split {split} of .* no labelled face")
    with refused:
        DetectionTask.from_config(TrainConfig(data=tmp_path, model=DetectorModel()))
    with refused:
        ClassificationTask.from_config(
            TrainClassifierConfig(data=tmp_path, model=ClassifierModel())
        )
