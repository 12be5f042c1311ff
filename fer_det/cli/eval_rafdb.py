"""tools/eval_rafdb.py: a checkpoint and a VOC folder in, a table and scores.json out."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fer_det.checkpoint import Checkpoint, file_hash, load_checkpoint
from fer_det.command import EXIT_OK, parse_config, run_command
from fer_det.config import EvalConfig
from fer_det.data.loader import in_order, make_loader
from fer_det.data.voc_dataset import VocDataset
from fer_det.engine.hardware import choose_hardware
from fer_det.engine.score import score_pictures
from fer_det.errors import DatasetNotFoundError
from fer_det.evaluation import Protocol, evaluate, hash_pictures
from fer_det.files import make_folder, write_text
from fer_det.models import build_model
from fer_det.progress import track
from fer_det.runs import find_weights
from fer_det.voc import read_build_report

PROG = "eval_rafdb.py"
SCORES = "scores.json"
BEST_RULE = "highest mean recall on the validation split, first epoch that reached it"
LAST_RULE = "the last that was saved, whatever its score"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_evaluate, argv)


def _evaluate(argv: Sequence[str] | None) -> int:
    config = parse_config(EvalConfig, PROG, argv)
    hardware = choose_hardware(config.device, config.precision)
    weights = find_weights(config.weights)
    print(f"weights: {weights}")
    checkpoint = load_checkpoint(weights)
    data = _find_data(config.data, checkpoint)
    print(f"data: {data}, split {config.split}, {hardware.describe()}", flush=True)
    size, padding = checkpoint.config.input_size, checkpoint.config.padding
    dataset = VocDataset(data, config.split, size, padding, classes=checkpoint.classes)
    model = build_model(checkpoint.config, checkpoint.classes)
    model.load_state_dict(checkpoint.model)
    model.to(hardware.device)
    order = in_order(len(dataset), config.batch_size)
    batches = make_loader(dataset, order, config.workers, hardware.device.type == "cuda")
    answers = score_pictures(model, hardware, dataset, batches)
    pictures = list(track(answers, len(dataset), "scored", "pictures"))
    protocol = replace(
        _describe_data(data, config.split, checkpoint),
        split_hash=hash_pictures(pictures, checkpoint.classes),
        weights_sha256=file_hash(weights),
    )
    subsets = {"over " + ", ".join(config.subset): config.subset} if config.subset else {}
    report = evaluate(pictures, checkpoint.classes, protocol, subsets, config.resamples)
    print(report.format_table())
    out = make_folder(config.out or weights.parent)
    write_text(out / SCORES, json.dumps(report.to_json(), indent=1) + "\n")
    print(f"scores: {out / SCORES}")
    return EXIT_OK


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


def _describe_data(data: Path, split: str, checkpoint: Checkpoint) -> Protocol:
    """What the converter's report tells of the split; a folder made elsewhere has none."""
    report: dict[str, Any] = read_build_report(data)
    settings = report.get("settings", {})
    counts = {
        name: {label: report[name].get(split, {}).get(label, 0) for label in checkpoint.classes}
        for name in ("listed", "rejected")
        if name in report
    }
    return Protocol(
        dataset=", ".join(report.get("datasets", ["unknown"])),
        split=split,
        split_hash="",
        image_variant=settings.get("images", "unknown"),
        box_source=settings.get("boxes", "unknown"),
        checkpoint_rule=BEST_RULE if checkpoint.training is None else LAST_RULE,
        weights_sha256="",
        input_size=checkpoint.config.input_size,
        listed=counts.get("listed"),
        rejected=counts.get("rejected"),
    )


if __name__ == "__main__":
    sys.exit(main())
