"""tools/train_backbone.py: trains a backbone on synthetic faces and writes it as a weights file."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from fer_det.config.backbone import TrainBackboneConfig
from fer_det.config.command import parse_config
from fer_det.io.files import demand_writable
from fer_det.models import config_chooser
from fer_det.runtime.command import other_command, run_command

if TYPE_CHECKING:
    from fer_det.engine.job import FinishedRun
    from fer_det.engine.tasks.face_attributes import FaceAttributesTask
    from fer_det.runtime.device import Hardware
    from fer_det.runtime.distributed import Processes

PROG = "train_backbone.py"
KIND = "backbone"
COMMAND = ("-m", "fer_det.cli.train_backbone")
"""Arguments of python for this command in a process of its own."""

LICENCE = "CC0-1.0"
"""Nobody has rights in the synthetic faces, nor in weights trained on nothing else."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_train, argv)


def _train(argv: Sequence[str] | None) -> int:
    config = parse_config(TrainBackboneConfig, PROG, argv, {"model": config_chooser("backbone")})
    typed = shlex.join([f"tools/{PROG}", *(sys.argv[1:] if argv is None else argv)])
    from fer_det.engine.distributed import run_training

    return run_training(config, COMMAND, argv, partial(_run, config, typed))


def _run(config: TrainBackboneConfig, typed: str, hardware: Hardware, processes: Processes) -> None:
    from fer_det.engine.job import TrainingJob
    from fer_det.engine.tasks.face_attributes import FaceAttributesTask

    task = processes.together(lambda: FaceAttributesTask.from_config(config))
    if processes.is_first:
        demand_writable(config.export.parent)
    finished = TrainingJob(KIND, config, task).run(hardware, processes)
    if processes.is_first:
        digest = _export(config, typed, finished, task)
        print(
            f"{config.export}: sha256 {digest}\n"
            f"next: {other_command('train')} --init {shlex.quote(str(config.export))}"
        )


def _export(
    config: TrainBackboneConfig, typed: str, finished: FinishedRun, task: FaceAttributesTask
) -> str:
    """Write the backbone of the last epoch in half precision; -> the file's sha256."""
    import torch

    from fer_det.data.made_faces import read_making
    from fer_det.engine.run_folder import read_log
    from fer_det.weights.model_file import ModelFile, write_model_file
    from fer_det.weights.storage import file_hash

    epochs = [record for record in read_log(finished.folder) if record["kind"] == "epoch"]
    tensors, model_config = finished.model.deployable()
    info = {
        "source": f"fer_det, tools/{PROG}",
        "licence": LICENCE,
        "trained_on": f"{len(task.train):,} synthetic faces, {finished.position.epoch} epochs",
        "notes": {
            "command": typed,
            "faces": read_making(config.faces),
            "faces_sha256": task.train.hash(),
            "validation": _rounded(epochs[-1]),
            "validated_on": f"the {len(task.validation):,} faces of the test split, of other "
            "people; they selected nothing, the last epoch was taken",
        },
    }
    file = ModelFile(tensors, model_config, task.classes, info)
    write_model_file(config.export, file, torch.float16)
    return file_hash(config.export)


def _rounded(scores: dict[str, Any]) -> dict[str, float]:
    return {name: round(v, 4) for name, v in scores.items() if isinstance(v, float)}


if __name__ == "__main__":
    sys.exit(main())
