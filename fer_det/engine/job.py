"""A training command's run from its folder to its end, whatever it trains."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fer_det.config.training import RunConfig
from fer_det.engine.resume import choose_folder, find_resumable
from fer_det.engine.run_folder import hold_run
from fer_det.engine.tasks.task import Task
from fer_det.engine.trainer import BEST, LAST, Position, Trainer
from fer_det.errors import ConfigError
from fer_det.io.files import make_folder, sweep_temporaries
from fer_det.runtime.device import Hardware, choose_hardware, keep_freed_memory, make_deterministic
from fer_det.runtime.distributed import Processes, process_group, processes_from_environment


@dataclass(frozen=True)
class Plan:
    """What a command wants trained."""

    kind: str
    """Runs are kept in runs/<kind>-001, -002, ... by default."""
    config: RunConfig
    info: dict[str, Any]
    """What checkpoints keep of it, from `describe_run`."""
    make_task: Callable[[Hardware], Task]
    make_model: Callable[[], nn.Module]
    """The model with its first weights; only the seed may decide them, and files."""
    prepare_model: Callable[[nn.Module], None] | None = None
    """What is done to a model that begins, and not to one that goes on."""


@dataclass(frozen=True)
class Finished:
    """A run that has come to its end."""

    folder: Path
    model: nn.Module
    position: Position
    info: dict[str, Any]

    def describe_best(self) -> str:
        """Where best.pth lies, and why it is that epoch's."""
        return (
            f"{self.folder / BEST}: epoch {self.position.best_epoch + 1}, mean recall "
            f"{self.position.best_recall:.3f} on the validation split (classes of few faces there "
            "have little say)"
        )


def in_processes(config: RunConfig, work: Callable[[Hardware, Processes], None]) -> None:
    """Do `work` on the hardware that the flags ask for, beside torchrun's other processes."""
    processes = processes_from_environment()
    if config.batch_size % processes.world:
        raise ConfigError(
            f"--batch_size {config.batch_size} for {processes.world} processes",
            "a batch that they can share evenly",
            "change --batch_size or the number of processes",
        )
    hardware = choose_hardware(config.device, config.precision, processes.local_rank)
    make_deterministic()
    keep_freed_memory()
    with process_group(processes, hardware.device):
        work(hardware, processes)


def run_to_the_end(plan: Plan, hardware: Hardware, processes: Processes) -> Finished:
    """Train in the run folder, which no other process may hold, going on where a run stopped."""
    chosen = Path()
    if processes.is_first:
        chosen = choose_folder(plan.kind, plan.config, plan.info)
    folder = processes.from_first(chosen)
    with hold_run(make_folder(folder)) if processes.is_first else nullcontext():
        return _run_in(folder, plan, hardware, processes)


def _run_in(folder: Path, plan: Plan, hardware: Hardware, processes: Processes) -> Finished:
    config, info = plan.config, plan.info
    resumed = find_resumable(folder, info, config.overwrite)
    if resumed is not None:
        # Going on in another arithmetic, on another machine, would be another run.
        precision = resumed.info["precision"]
        hardware = choose_hardware(config.device, precision, processes.local_rank)
        info = {**info, "precision": precision}
    task = plan.make_task(hardware)
    if processes.is_first:
        sweep_temporaries(folder)
        if config.overwrite:
            # What is found here until the first epoch ends must not be the run before.
            for name in (BEST, LAST):
                (folder / name).unlink(missing_ok=True)
        verb = "goes on" if resumed is not None else "begins"
        print(
            f"run {folder} {verb}: {len(task.train)} training and {len(task.validation)} "
            f"validation pictures, {len(task.classes)} classes, {hardware.describe()}",
            flush=True,
        )
    torch.manual_seed(config.seed)
    model = plan.make_model()
    if resumed is None and plan.prepare_model is not None:
        plan.prepare_model(model)
    trainer = Trainer(model, config, folder, task, hardware, processes, info, resumed)
    return Finished(folder, trainer.model, trainer.run(), info)
