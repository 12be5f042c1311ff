"""tools/eval_rafdb.py: a checkpoint and a VOC folder in, a table and scores.json out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fer_det.checkpoint import Checkpoint, file_hash, load_checkpoint
from fer_det.command import EXIT_OK, parse_config, run_command
from fer_det.config import EvalConfig
from fer_det.data.face_crops import FaceCrops
from fer_det.data.loader import in_order, make_loader
from fer_det.data.voc_dataset import VocDataset
from fer_det.engine.detection import SHRINKAGE_FACES
from fer_det.engine.score import score_crops, score_given_boxes, score_pictures
from fer_det.errors import ConfigError, DatasetNotFoundError
from fer_det.evaluation import Protocol, ScoredPicture, evaluate, hash_pictures
from fer_det.files import make_folder, write_text
from fer_det.hardware import Hardware, choose_hardware
from fer_det.memory import keep_freed_memory
from fer_det.models import CLASSIFIERS, build_model
from fer_det.progress import track
from fer_det.runs import find_weights
from fer_det.voc import VocFolder

PROG = "eval_rafdb.py"
SCORES = "scores.json"
BEST_RULE = (
    "highest mean recall on the validation split, each class's drawn towards the accuracy as if by "
    f"{SHRINKAGE_FACES} more faces, first epoch that reached it"
)
LAST_RULE = "the last that was saved, whatever its score"
FRAMINGS = {"photo": "original photos", "face_crop": "face crops"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_evaluate, argv)


def _evaluate(argv: Sequence[str] | None) -> int:
    config = parse_config(EvalConfig, PROG, argv)
    hardware = choose_hardware(config.device, config.precision)
    keep_freed_memory()
    weights = find_weights(config.weights)
    print(f"weights: {weights}")
    checkpoint = load_checkpoint(weights)
    if unknown := sorted(set(config.subset) - set(checkpoint.classes)):
        raise ConfigError(
            f"--subset with {', '.join(unknown)}",
            f"classes of the checkpoint: {', '.join(checkpoint.classes)}",
            "change the flag",
        )
    data = _find_data(config.data, checkpoint)
    print(f"data: {data}, split {config.split}, {hardware.describe()}", flush=True)
    size, padding = checkpoint.config.input_size, checkpoint.config.padding
    dataset = VocDataset(data, config.split, size, padding, classes=checkpoint.classes)
    answers = _answers(config, checkpoint, hardware, dataset)
    pictures = list(track(answers, len(dataset), "scored", "pictures"))
    protocol = replace(
        _describe_data(dataset, config.split, checkpoint),
        split_hash=hash_pictures(pictures, checkpoint.classes),
        weights_sha256=file_hash(weights),
    )
    subsets = {"subset": config.subset} if config.subset else {}
    report = evaluate(pictures, checkpoint.classes, protocol, subsets, config.resamples)
    print(report.format_table())
    out = make_folder(config.out or weights.parent)
    write_text(out / SCORES, json.dumps(report.to_json(), indent=1) + "\n")
    print(f"scores: {out / SCORES}")
    return EXIT_OK


def _answers(
    config: EvalConfig, checkpoint: Checkpoint, hardware: Hardware, photos: VocDataset
) -> Iterator[ScoredPicture]:
    """What the checkpoint's model says of all photos; a classifier is given the faces' boxes."""
    model = build_model(checkpoint.config, checkpoint.classes)
    model.load_state_dict(checkpoint.model)
    model.to(hardware.device)
    pinned = hardware.device.type == "cuda"
    if checkpoint.config.name in CLASSIFIERS:
        crops = FaceCrops(photos, checkpoint.config.face_margin)
        order = in_order(len(crops), config.batch_size)
        batches = make_loader(crops, order, config.workers, pinned)
        return score_given_boxes(
            crops, score_crops(model, hardware, crops, batches, checkpoint.temperature)
        )
    order = in_order(len(photos), config.batch_size)
    batches = make_loader(photos, order, config.workers, pinned)
    return score_pictures(model, hardware, photos, batches, checkpoint.temperature)


def _find_data(asked: Path | None, checkpoint: Checkpoint) -> Path:
    if asked is not None:
        return asked
    trained_on = checkpoint.info.get("data", {}).get("path")
    if trained_on is not None and Path(trained_on).is_dir():
        return Path(trained_on)
    raise DatasetNotFoundError(
        f"{trained_on or 'the folder'}, which the checkpoint was trained on, is absent",
        "a VOC folder",
        "name one with --data",
    )


def _describe_data(dataset: VocDataset, split: str, checkpoint: Checkpoint) -> Protocol:
    """What annotations and the converter's report tell of the split; others may have made it."""
    report = VocFolder(dataset.root).build_report()
    databases = sorted({picture.database for picture in dataset.pictures})
    sources = _sources_by_database(report)
    framings = {name for each in databases for name in sources.get(each, {}).get("framing", {})}
    counts = {
        name: {label: report[name].get(split, {}).get(label, 0) for label in checkpoint.classes}
        for name in ("listed", "rejected")
        if name in report
    }
    return Protocol(
        dataset=", ".join(databases),
        split=split,
        split_hash="",
        image_variant=", ".join(FRAMINGS[name] for name in sorted(framings)) or "unknown",
        box_source=report.get("settings", {}).get("boxes", "unknown"),
        checkpoint_rule=BEST_RULE if checkpoint.training is None else LAST_RULE,
        weights_sha256="",
        input_size=checkpoint.config.input_size,
        listed=counts.get("listed"),
        rejected=counts.get("rejected"),
        boxes_given=checkpoint.config.name in CLASSIFIERS,
    )


def _sources_by_database(report: Mapping[str, Any]) -> dict[str, Any]:
    """What the converter's report tells of each data set, by the name that annotations give it."""
    datasets: Mapping[str, Any] = report.get("datasets", {})
    return {each.get("database", name): each for name, each in datasets.items()}


if __name__ == "__main__":
    sys.exit(main())
