"""tools/train_backbone.py: made faces in, VGG16's backbone as one weights file out."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fer_det.config.backbone import TrainBackboneConfig
from fer_det.config.command import parse_config
from fer_det.runtime.command import run_command

if TYPE_CHECKING:
    from fer_det.data.made_faces import MadeFaces
    from fer_det.engine.job import Finished
    from fer_det.engine.tasks.face_attributes import FaceAttributesTask
    from fer_det.runtime.device import Hardware
    from fer_det.runtime.distributed import Processes

PROG = "train_backbone.py"
KIND = "backbone"
COMMAND = ("-m", "fer_det.cli.train_backbone")
"""What python runs for it in a process of its own."""

LICENCE = "CC0-1.0"
"""The made faces carry none, and so do weights that have seen nothing else."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_train, argv)


def _train(argv: Sequence[str] | None) -> int:
    config = parse_config(TrainBackboneConfig, PROG, argv)
    from fer_det.engine.launch import run_training

    typed = shlex.join([f"tools/{PROG}", *(sys.argv[1:] if argv is None else argv)])
    return run_training(
        config,
        COMMAND,
        argv,
        lambda hardware, processes: _train_in(config, typed, hardware, processes),
    )


def _train_in(
    config: TrainBackboneConfig, typed: str, hardware: Hardware, processes: Processes
) -> None:
    from fer_det.data.augment import Augmentation
    from fer_det.data.made_faces import load_made_faces
    from fer_det.engine.job import Plan, run_to_the_end
    from fer_det.engine.resume import describe_run
    from fer_det.engine.tasks.face_attributes import FaceAttributesTask
    from fer_det.models import face_attributes

    model_config = config.model.as_model()
    train, validation = load_made_faces(
        config.faces, model_config.input_size, model_config.padding, Augmentation(config.augment)
    )
    hashes = {"path": str(config.faces), "train": train.hash(), "test": validation.hash()}

    def make_task(chosen: Hardware) -> FaceAttributesTask:
        batch, workers = config.batch_size, config.workers
        return FaceAttributesTask(
            train, validation, model_config, chosen, processes, batch, workers
        )

    plan = Plan(
        kind=KIND,
        config=config,
        info=describe_run(config, hardware, hashes, {}),
        make_task=make_task,
        make_model=lambda: face_attributes.build(
            model_config, make_task(hardware).classes, train.measures.groups, config.losses
        ),
    )
    finished = run_to_the_end(plan, hardware, processes)
    if processes.is_first:
        digest = _export(config, typed, finished, train, validation)
        print(
            f"{config.export}: sha256 {digest}\n"
            f"next: python tools/train_frcnn.py --init {config.export}"
        )


def _export(
    config: TrainBackboneConfig,
    typed: str,
    finished: Finished,
    train: MadeFaces,
    validation: MadeFaces,
) -> str:
    """Write the weights file of the last epoch; -> its sha256."""
    import torch

    from fer_det.data.made_faces import read_making
    from fer_det.engine.log import read_log
    from fer_det.models.vgg16 import fold_batch_norm
    from fer_det.weights.weights_file import WeightsInfo, canonical_tensors, save_weights

    epochs = [record for record in read_log(finished.folder) if record["kind"] == "epoch"]
    state = {name: tensor.cpu() for name, tensor in finished.model.state_dict().items()}
    info = WeightsInfo(
        source=f"fer_det, tools/{PROG}",
        licence=LICENCE,
        trained_on=f"{len(train):,} made faces, {finished.position.epoch} epochs",
        image_mean=config.model.image_mean,
        image_std=config.model.image_std,
        notes={
            "command": typed,
            "faces": json.dumps(read_making(config.faces), sort_keys=True),
            "faces_sha256": train.hash(),
            "input_size": str(config.model.input_size),
            "validation": json.dumps(_rounded(epochs[-1])),
            "validated_on": f"the {len(validation):,} faces of the test split, of other people; "
            "they chose nothing, the last epoch was taken",
        },
    )
    tensors = canonical_tensors(fold_batch_norm(state))
    return save_weights(config.export, tensors, info, torch.float16)


def _rounded(scores: dict[str, Any]) -> dict[str, float]:
    return {name: round(v, 4) for name, v in scores.items() if isinstance(v, float)}


if __name__ == "__main__":
    sys.exit(main())
