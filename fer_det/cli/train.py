"""tools/train_frcnn.py: a VOC folder in, a run folder with best.pth out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fer_det.config.command import parse_config
from fer_det.config.training import TrainConfig
from fer_det.errors import ConfigError
from fer_det.runtime.command import run_command

if TYPE_CHECKING:
    from fer_det.data.voc_dataset import VocDataset
    from fer_det.runtime.device import Hardware
    from fer_det.runtime.distributed import Processes

PROG = "train_frcnn.py"
KIND = "frcnn"
COMMAND = ("-m", "fer_det.cli.train")
"""What python runs for it in a process of its own."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_train, argv)


def _train(argv: Sequence[str] | None) -> int:
    config = parse_config(TrainConfig, PROG, argv)
    from fer_det.engine.launch import run_training

    return run_training(
        config,
        COMMAND,
        argv,
        lambda hardware, processes: _train_in(config, hardware, processes),
    )


def _train_in(config: TrainConfig, hardware: Hardware, processes: Processes) -> None:
    from fer_det.engine.job import Plan, run_to_the_end
    from fer_det.engine.resume import describe_run
    from fer_det.engine.tasks.detection import DetectionTask
    from fer_det.engine.trainer import BEST
    from fer_det.models import CLASSIFIERS, build_model
    from fer_det.weights.initialisation import preparation, read_start

    if config.model.name in CLASSIFIERS:
        raise ConfigError(
            f"--model.name {config.model.name}, which finds no faces",
            "a detector",
            "change the flag, or train it with tools/train_classifier.py",
        )
    start = read_start(config.init) if config.init is not None else None
    if start is not None:
        config = start.bring_normalisation(config)
    train, validation = _datasets(config)
    hashes = {"path": str(config.data), "train": train.hash(), "val": validation.hash()}

    plan = Plan(
        kind=KIND,
        config=config,
        info=describe_run(config, hardware, hashes, start.describe() if start else {}),
        make_task=lambda chosen: DetectionTask(
            train, validation, config.model, chosen, processes, config.batch_size, config.workers
        ),
        make_model=lambda: build_model(config.model, train.classes),
        prepare_model=preparation(
            start, train.classes, train.without_augmentation(), tell=processes.is_first
        ),
    )
    finished = run_to_the_end(plan, hardware, processes)
    if processes.is_first:
        best = finished.folder / BEST
        print(f"{finished.describe_best()}\nnext: python tools/eval_rafdb.py --weights {best}")


def _datasets(config: TrainConfig) -> tuple[VocDataset, VocDataset]:
    from fer_det.data.augment import Augmentation
    from fer_det.data.voc_dataset import VocDataset

    size, padding = config.model.input_size, config.model.padding
    augmentation = Augmentation(config.augment)
    train = VocDataset(config.data, "train", size, padding, augmentation=augmentation)
    return train, VocDataset(config.data, "val", size, padding, classes=train.classes)


if __name__ == "__main__":
    sys.exit(main())
