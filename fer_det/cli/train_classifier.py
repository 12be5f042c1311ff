"""tools/train_classifier.py: trains a classifier on the labelled faces of a VOC folder."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from fer_det.cli.machine import say_once, settings_for_machine
from fer_det.config.classifier import TrainClassifierConfig
from fer_det.config.command import parse_config
from fer_det.models import config_chooser
from fer_det.runtime.command import other_command, run_command

if TYPE_CHECKING:
    from fer_det.runtime.device import Hardware
    from fer_det.runtime.distributed import Processes

PROG = "train_classifier.py"
KIND = "classifier"
COMMAND = ("-m", "fer_det.cli.train_classifier")
"""Arguments of python for this command in a process of its own."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_train, argv)


def _train(argv: Sequence[str] | None) -> int:
    argv, note = settings_for_machine(argv, "small_cpu_classifier")
    config = parse_config(
        TrainClassifierConfig, PROG, argv, {"model": config_chooser("classifier")}
    )
    from fer_det.engine.distributed import run_training

    say_once(note)
    return run_training(config, COMMAND, argv, partial(_run, config))


def _run(config: TrainClassifierConfig, hardware: Hardware, processes: Processes) -> None:
    from fer_det.engine.job import TrainingJob, read_pretrained
    from fer_det.engine.tasks.classification import ClassificationTask
    from fer_det.engine.trainer import BEST

    pretrained, model = processes.together(lambda: read_pretrained(config.init, config.model))
    config = replace(config, model=model)
    task = processes.together(lambda: ClassificationTask.from_config(config))
    finished = TrainingJob(KIND, config, task, pretrained).run(hardware, processes)
    if processes.is_first:
        best = shlex.quote(str(finished.folder / BEST))
        following = f"{other_command('eval')} --weights {best}"
        if hasattr(config.model, "head_width"):
            # The detector of the same network starts from it.
            width = f"--model.head_width {config.model.feature_width}"
            following = f"{other_command('train')} --init {best} {width}"
        print(f"{finished.describe_best()}\nnext: {following}")


if __name__ == "__main__":
    sys.exit(main())
