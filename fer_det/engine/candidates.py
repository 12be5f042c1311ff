"""What `fer-det eval` can score: a model file, an adapted model of others, a table of predictions.

Each becomes a Candidate, so that all of them are scored under one protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from fer_det.config.adapter import AdapterConfig, described, read_adapter, scored_classes
from fer_det.config.model import ClassifierModelConfig, to_plain
from fer_det.config.scoring import EvalConfig
from fer_det.core.expression import Expression
from fer_det.data.face_crops import FaceCrops
from fer_det.data.voc_dataset import VocDataset
from fer_det.engine.adapter import (
    ONNX,
    AdaptedClassifier,
    AlignedFaceCrops,
    contract_adapter,
    load_network,
)
from fer_det.engine.run_folder import find_weights
from fer_det.engine.scoring import find_data, score_split, score_views, trained_on
from fer_det.engine.tasks import SHRINKAGE_FACES
from fer_det.errors import ConfigError, DatasetNotFoundError
from fer_det.evaluation.calibration import UNCHANGED
from fer_det.evaluation.picture import ScoredPicture
from fer_det.evaluation.prediction_table import read_prediction_table
from fer_det.io.voc import VocFolder
from fer_det.runtime.device import Hardware
from fer_det.runtime.progress import print_line
from fer_det.weights.model_file import demand_complete, read_model_file
from fer_det.weights.storage import file_hash

LAST_RULE = "the last that was saved, whatever its score"
BEST_RULE = (
    "highest mean recall on the validation split, each class's shrunk towards the accuracy as "
    f"if by {SHRINKAGE_FACES} more faces (selection score), first epoch that reached it"
)
OTHERS_RULE = "unknown, it comes from elsewhere"


@dataclass(frozen=True)
class Candidate:
    """Something that predicts, and all that a protocol states of it."""

    path: Path
    sha256: str
    """Of the file."""
    data: Path
    """The VOC folder to score it on."""
    classes: tuple[str, ...]
    """Names of the labels 1, 2, ... before any label map."""
    score: Callable[[VocDataset], Iterator[ScoredPicture]]
    input_size: int | None = None
    """Side of the square input in pixels; None where unknown."""
    padding: tuple[int, int, int] = (0, 0, 0)
    """Colour outside a picture."""
    boxes_given: bool = False
    """Whether it gets the labelled faces' boxes."""
    temperature: float = UNCHANGED
    checkpoint_rule: str = OTHERS_RULE
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the network or of the adapter, as plain values."""
    info: Mapping[str, Any] = field(default_factory=dict)
    """What the file records of its training."""
    trained_on: Path | None = None
    """The VOC folder of its training, present or not."""

    def open_split(self, split: str) -> VocDataset:
        """Open a split of `data` with this one's input size, padding and classes."""
        return VocDataset(self.data, split, self.input_size or 1, self.padding, self.classes)


def find_candidate(config: EvalConfig, hardware: Hardware) -> Candidate:
    """Return what the flags name.

    Raises WeightsNotFoundError, WeightsError, ScoresNotFoundError, ScoresError,
    DatasetNotFoundError and ConfigError.
    """
    if config.predictions is not None:
        return _of_table(config.predictions, _demand_data(config))
    assert config.weights is not None
    path = find_weights(config.weights)
    adapter = None if config.adapter is None else read_adapter(config.adapter)
    if adapter is None and path.suffix == ONNX:
        adapter = contract_adapter(path)
        if adapter is None:
            raise ConfigError(
                f"{path}, an ONNX file of another project",
                "an adapter that says what it takes and answers",
                "name one with --adapter, see docs/other_models.md",
            )
    if adapter is not None:
        return _of_adapter(path, adapter, config, hardware)
    return _of_model_file(path, config, hardware)


def _of_model_file(path: Path, config: EvalConfig, hardware: Hardware) -> Candidate:
    file = read_model_file(path)
    demand_complete(file, path)
    given = isinstance(file.config, ClassifierModelConfig)
    if (config.views != "one" or config.face_size) and not given:
        raise ConfigError(
            "--views or --face_size with a detector", "a classifier", "leave these flags out"
        )

    def score(dataset: VocDataset) -> Iterator[ScoredPicture]:
        return score_split(
            file,
            path,
            hardware,
            dataset,
            config.batch_size,
            config.workers,
            file.temperature,
            config.views,
            config.face_size,
        )

    return Candidate(
        path=path,
        sha256=file.sha256,
        data=find_data(config.data, file),
        classes=file.classes,
        score=score,
        input_size=file.config.input_size,
        padding=file.config.padding,
        boxes_given=given,
        temperature=file.temperature,
        checkpoint_rule=BEST_RULE if file.training is None else LAST_RULE,
        settings=to_plain(file.config),
        info=file.info,
        trained_on=trained_on(file),
    )


def _of_adapter(
    path: Path, adapter: AdapterConfig, config: EvalConfig, hardware: Hardware
) -> Candidate:
    data = _demand_data(config)
    classes = scored_classes(adapter, VocFolder(data).classes())
    model = AdaptedClassifier(adapter, classes, load_network(path, adapter)).to(hardware.device)

    def score(dataset: VocDataset) -> Iterator[ScoredPicture]:
        aligned = AlignedFaceCrops(dataset, adapter) if adapter.alignment else None
        crops = aligned or FaceCrops(dataset, adapter.face_margin)
        # MTCNN counts the faces that it does not find, so it runs in this process.
        workers = 0 if aligned else config.workers
        yield from score_views(
            model,
            replace(hardware, precision="float32"),
            crops,
            config.batch_size,
            workers,
            views=config.views,
            face_size=config.face_size,
        )
        if aligned and aligned.without_landmarks:
            print_line(
                f"{len(aligned.without_landmarks):,} faces that MTCNN does not find were cropped"
            )

    red, green, blue = adapter.padding
    return Candidate(
        path=path,
        sha256=file_hash(path),
        data=data,
        classes=classes,
        score=score,
        input_size=adapter.input_size,
        padding=(red, green, blue),
        boxes_given=True,
        temperature=adapter.temperature,
        settings=to_plain(described(adapter)),
        info={"source": adapter.source, "licence": adapter.licence},
    )


def _of_table(path: Path, data: Path) -> Candidate:
    table = read_prediction_table(path)
    classes = _joined_classes(data, table.classes)

    def score(dataset: VocDataset) -> Iterator[ScoredPicture]:
        for picture in dataset.pictures:
            labelled = picture.labels > 0
            yield table.score(
                picture.image_id,
                (picture.width, picture.height),
                picture.boxes[labelled],
                picture.labels[labelled].astype(np.int64),
                picture.boxes[~labelled],
                classes,
            )
        known = {picture.image_id for picture in dataset.pictures}
        others = len(table.faces.keys() - known)
        for count, what in (
            (others, "pictures of the table are not in the split"),
            (len(known - table.faces.keys()), "pictures of the split have no answer in the table"),
        ):
            if count:
                print_line(f"{count:,} {what}")

    return Candidate(path, table.sha256, data, classes, score)


def _joined_classes(data: Path, named: Sequence[str]) -> tuple[str, ...]:
    """Return the classes of the folder, then those that only the candidate has."""
    own = VocFolder(data).classes()
    others = [each for each in named if each not in own]
    order = [each.label for each in Expression]
    known = sorted((each for each in others if each in order), key=order.index)
    return (*own, *known, *(each for each in others if each not in order))


def _demand_data(config: EvalConfig) -> Path:
    if config.data is None:
        raise DatasetNotFoundError(
            "no --data", "the VOC folder with the labelled faces", "name one with --data"
        )
    return config.data
