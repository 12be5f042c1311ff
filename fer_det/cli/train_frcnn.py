"""tools/train_frcnn.py: a VOC folder in, a run folder with best.pth out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from fer_det.command import EXIT_OK, parse_config, run_command
from fer_det.config import TrainConfig
from fer_det.data.augment import Augmentation
from fer_det.data.voc_dataset import VocDataset
from fer_det.engine.distributed import Processes, process_group, processes_from_environment
from fer_det.engine.hardware import Hardware, choose_hardware, make_deterministic
from fer_det.engine.resume import choose_folder, describe_run, find_resumable
from fer_det.engine.trainer import BEST, LAST, Trainer
from fer_det.errors import ConfigError
from fer_det.files import make_folder, sweep_temporaries
from fer_det.models import build_model
from fer_det.runs import hold_run

PROG = "train_frcnn.py"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_train, argv)


def _train(argv: Sequence[str] | None) -> int:
    config = parse_config(TrainConfig, PROG, argv)
    processes = processes_from_environment()
    if config.batch_size % processes.world:
        raise ConfigError(
            f"--batch_size {config.batch_size} for {processes.world} processes",
            "a batch that they can share evenly",
            "change --batch_size or the number of processes",
        )
    hardware = choose_hardware(config.device, config.precision, processes.local_rank)
    make_deterministic()
    with process_group(processes, hardware.device):
        _train_in(config, hardware, processes)
    return EXIT_OK


def _train_in(config: TrainConfig, hardware: Hardware, processes: Processes) -> None:
    train, validation = _datasets(config)
    info = describe_run(config, hardware, train, validation)
    chosen = choose_folder(config, info) if processes.is_first else Path()
    folder = processes.from_first(chosen)
    with hold_run(make_folder(folder)) if processes.is_first else nullcontext():
        _train_to_the_end(config, folder, hardware, processes, train, validation, info)


def _train_to_the_end(
    config: TrainConfig,
    folder: Path,
    hardware: Hardware,
    processes: Processes,
    train: VocDataset,
    validation: VocDataset,
    info: dict[str, Any],
) -> None:
    resumed = find_resumable(folder, info, config.overwrite)
    if resumed is not None:
        # Going on in another arithmetic, on another machine, would be another run.
        precision = resumed.info["precision"]
        hardware = choose_hardware(config.device, precision, processes.local_rank)
        info = {**info, "precision": precision}
    if processes.is_first:
        sweep_temporaries(folder)
        if config.overwrite:
            # What is found here until the first epoch ends must not be the run before.
            for name in (BEST, LAST):
                (folder / name).unlink(missing_ok=True)
        verb = "goes on" if resumed is not None else "begins"
        print(
            f"run {folder} {verb}: {len(train)} training and {len(validation)} validation "
            f"pictures, {len(train.classes)} classes, {hardware.describe()}",
            flush=True,
        )
    torch.manual_seed(config.seed)
    model = build_model(config.model, train.classes)
    trainer = Trainer(model, config, folder, train, validation, hardware, processes, info, resumed)
    position = trainer.run()
    if processes.is_first:
        print(
            f"{folder / BEST}: epoch {position.best_epoch + 1}, mean recall "
            f"{position.best_recall:.3f} on the validation split\n"
            f"next: python tools/eval_rafdb.py --weights {folder / BEST}"
        )


def _datasets(config: TrainConfig) -> tuple[VocDataset, VocDataset]:
    size, padding = config.model.input_size, config.model.padding
    augmentation = Augmentation(config.augment)
    train = VocDataset(config.data, "train", size, padding, augmentation=augmentation)
    return train, VocDataset(config.data, "val", size, padding, classes=train.classes)


if __name__ == "__main__":
    sys.exit(main())
