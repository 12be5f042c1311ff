"""tools/eval_rafdb.py: a checkpoint and a VOC folder in, a table and scores.json out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fer_det.config.command import parse_config
from fer_det.config.training import EvalConfig, to_plain
from fer_det.data.voc_dataset import VocDataset, load_picture
from fer_det.engine.log import read_log
from fer_det.engine.run_folder import find_weights
from fer_det.engine.split_answers import (
    find_data,
    split_answers,
    split_as_seen_by,
    trained_on,
)
from fer_det.engine.tasks.detection import SHRINKAGE_FACES
from fer_det.errors import ConfigError
from fer_det.evaluation.evaluate import evaluate
from fer_det.evaluation.protocol import Protocol, hash_pictures
from fer_det.evaluation.scores_file import SCORES, scores_to_json, write_scores
from fer_det.evaluation.table import format_evaluation
from fer_det.io.files import make_folder
from fer_det.io.voc import VocFolder
from fer_det.models import CLASSIFIERS
from fer_det.report.page import write_report
from fer_det.report.source import (
    LoadPicture,
    ReportSource,
    describe_machine,
    gather_data_facts,
)
from fer_det.runtime.command import EXIT_OK, run_command
from fer_det.runtime.device import choose_hardware, keep_freed_memory
from fer_det.runtime.progress import track
from fer_det.weights.checkpoint import Checkpoint, file_hash, load_checkpoint

PROG = "eval_rafdb.py"
BEST_RULE = (
    "highest mean recall on the validation split, each class's shrunk towards the accuracy as if "
    f"by {SHRINKAGE_FACES} more faces (selection score), first epoch that reached it"
)
LAST_RULE = "the last that was saved, whatever its score"
FRAMINGS = {"photo": "original photos", "face_crop": "face crops"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_evaluate, argv)


def _evaluate(argv: Sequence[str] | None) -> int:
    config = parse_config(EvalConfig, PROG, argv)
    if config.report is not None:
        make_folder(config.report.parent)
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
    data = find_data(config.data, checkpoint)
    print(f"data: {data}, split {config.split}, {hardware.describe()}", flush=True)
    dataset = split_as_seen_by(checkpoint, data, config.split)
    answers = split_answers(
        checkpoint,
        weights,
        hardware,
        dataset,
        config.batch_size,
        config.workers,
        checkpoint.temperature,
    )
    pictures = list(track(answers, len(dataset), "scored", "pictures"))
    protocol = replace(
        _describe_data(dataset, config.split, checkpoint),
        split_hash=hash_pictures(pictures, checkpoint.classes),
        weights_sha256=file_hash(weights),
    )
    subsets = {"subset": config.subset} if config.subset else {}
    evaluation = evaluate(pictures, checkpoint.classes, protocol, subsets, config.resamples)
    print(format_evaluation(evaluation))
    out = make_folder(config.out or weights.parent)
    scores = scores_to_json(evaluation)
    write_scores(out / SCORES, scores)
    print(f"scores: {out / SCORES}")
    if config.report is not None:
        source = ReportSource(
            scores=scores,
            faces=evaluation.faces,
            weights=str(weights),
            model=to_plain(checkpoint.config),
            info=checkpoint.info,
            data=gather_data_facts(data, trained_on(checkpoint)),
            machine=describe_machine(hardware.describe()),
            records=read_log(weights.parent),
            load=None if config.hide_faces else _loader(dataset),
        )
        write_report(config.report, source)
        print(f"report: {config.report}")
    return EXIT_OK


def _loader(dataset: VocDataset) -> LoadPicture:
    by_id = {picture.image_id: picture for picture in dataset.pictures}
    return lambda image_id: load_picture(by_id[image_id])


def _describe_data(dataset: VocDataset, split: str, checkpoint: Checkpoint) -> Protocol:
    """What annotations and the converter's report tell of the split; others may have made it."""
    report = VocFolder(dataset.root).build_summary()
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
        temperature=checkpoint.temperature,
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
