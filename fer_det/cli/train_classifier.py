"""tools/train_classifier.py: a VOC folder's labelled faces in, a run folder with best.pth out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fer_det.config.classifier import TrainClassifierConfig
from fer_det.config.command import parse_config
from fer_det.runtime.command import run_command

if TYPE_CHECKING:
    from fer_det.data.face_crops import FaceCrops
    from fer_det.engine.tasks.classification import ClassificationTask
    from fer_det.runtime.device import Hardware
    from fer_det.runtime.distributed import Processes

PROG = "train_classifier.py"
KIND = "classifier"
COMMAND = ("-m", "fer_det.cli.train_classifier")
"""What python runs for it in a process of its own."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_train, argv)


def _train(argv: Sequence[str] | None) -> int:
    config = parse_config(TrainClassifierConfig, PROG, argv)
    from fer_det.engine.launch import run_training

    return run_training(
        config,
        COMMAND,
        argv,
        lambda hardware, processes: _train_in(config, hardware, processes),
    )


def _train_in(config: TrainClassifierConfig, hardware: Hardware, processes: Processes) -> None:
    from fer_det.engine.job import Plan, run_to_the_end
    from fer_det.engine.resume import describe_run
    from fer_det.engine.tasks.classification import ClassificationTask
    from fer_det.engine.trainer import BEST
    from fer_det.losses import build_loss
    from fer_det.models import vgg16_classifier as classifier
    from fer_det.weights.initialisation import preparation, read_start

    start = read_start(config.init) if config.init is not None else None
    if start is not None:
        config = start.bring_normalisation(config)
    train, validation = _faces(config)
    hashes = {"path": str(config.data), "train": train.hash(), "val": validation.hash()}
    model_config, classes = config.model.as_model(), train.classes
    loss = build_loss(config, len(classes))

    def make_task(chosen: Hardware) -> ClassificationTask:
        batch, workers = config.batch_size, config.workers
        return ClassificationTask(
            train, validation, model_config, chosen, processes, batch, workers
        )

    plan = Plan(
        kind=KIND,
        config=config,
        info=describe_run(config, hardware, hashes, start.describe() if start else {}),
        make_task=make_task,
        make_model=lambda: classifier.build(model_config, classes, loss),
        prepare_model=preparation(
            start, classes, train.without_augmentation(), tell=processes.is_first
        ),
    )
    finished = run_to_the_end(plan, hardware, processes)
    if processes.is_first:
        best = finished.folder / BEST
        print(
            f"{finished.describe_best()}\n"
            f"next: python tools/train_frcnn.py --init {best} "
            f"--model.head_width {model_config.head_width}"
        )


def _faces(config: TrainClassifierConfig) -> tuple[FaceCrops, FaceCrops]:
    from fer_det.data.augment import Augmentation
    from fer_det.data.face_crops import FaceCrops
    from fer_det.data.voc_dataset import VocDataset

    size, padding = config.model.input_size, config.model.as_model().padding
    margin = config.model.face_margin
    photos = VocDataset(config.data, "train", size, padding)
    train = FaceCrops(photos, margin, Augmentation(config.augment))
    judged = VocDataset(config.data, "val", size, padding, classes=photos.classes)
    return train, FaceCrops(judged, margin)


if __name__ == "__main__":
    sys.exit(main())
