"""tools/eval_rafdb.py: scores a model on a split of a VOC folder: a table and scores.json."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fer_det.config.command import parse_config
from fer_det.config.model import ClassifierModelConfig, to_plain
from fer_det.config.scoring import EvalConfig
from fer_det.errors import ConfigError
from fer_det.io.files import demand_writable
from fer_det.runtime.command import EXIT_OK, run_command

if TYPE_CHECKING:
    from fer_det.data.voc_dataset import VocDataset
    from fer_det.evaluation.evaluate import Evaluation
    from fer_det.evaluation.protocol import Protocol
    from fer_det.report.source import LoadPicture
    from fer_det.weights.model_file import ModelFile

PROG = "eval_rafdb.py"
LAST_RULE = "the last that was saved, whatever its score"
FRAMINGS = {"photo": "original photos", "face_crop": "face crops"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_evaluate, argv)


def _evaluate(argv: Sequence[str] | None) -> int:
    config = parse_config(EvalConfig, PROG, argv)
    from fer_det.engine.run_folder import find_weights, read_log
    from fer_det.engine.scoring import find_data, open_split, score_split, trained_on
    from fer_det.engine.training_data import compare_with_training, describe_training
    from fer_det.evaluation.comparison import compare_files
    from fer_det.evaluation.evaluate import evaluate
    from fer_det.evaluation.label_map import LABEL_MAPS, NO_MAP
    from fer_det.evaluation.protocol import hash_pictures
    from fer_det.evaluation.scores_file import (
        MASKED_SCORES,
        SCORES,
        refuse_other_scores,
        scores_to_json,
        write_scores,
    )
    from fer_det.evaluation.table import format_comparison, format_evaluation
    from fer_det.models import is_detector
    from fer_det.report.page import write_report
    from fer_det.report.source import ReportSource, describe_machine, gather_data_facts
    from fer_det.runtime.device import choose_hardware
    from fer_det.runtime.memory import keep_freed_memory
    from fer_det.runtime.progress import track
    from fer_det.weights.model_file import demand_complete, read_model_file

    if config.report is not None:
        demand_writable(config.report.parent)
    hardware = choose_hardware(config.device, config.precision)
    keep_freed_memory()
    weights = find_weights(config.weights)
    print(f"weights: {weights}")
    file = read_model_file(weights)
    demand_complete(file, weights)
    label_map = None
    if config.label_map != NO_MAP:
        label_map = LABEL_MAPS[config.label_map].restrict(file.classes)
    classes = tuple(file.classes if label_map is None else label_map.members)
    if unknown := sorted(set(config.subset) - set(classes)):
        raise ConfigError(
            f"--subset with {', '.join(unknown)}",
            f"classes that are scored: {', '.join(classes)}",
            "change the flag",
        )
    data = find_data(config.data, file)
    print(f"data: {data}, split {config.split}, {hardware.describe()}", flush=True)
    dataset = open_split(file, data, config.split)
    if (config.views != "one" or config.face_size) and is_detector(file.config):
        raise ConfigError(
            "--views or --face_size with a detector", "a classifier", "leave these flags out"
        )
    _demand_label_map(dataset, config)
    described = _describe_data(dataset, config.split, file)
    out = demand_writable(config.out or weights.parent)
    if not config.overwrite:
        for name in (SCORES, MASKED_SCORES) if config.masked else (SCORES,):
            refuse_other_scores(out / name, described)
    search = config.leaks == "compare"
    described = replace(
        described,
        trained_on=describe_training(file),
        leaks=compare_with_training(file, data, config.split, dataset.databases, search),
    )
    # The converter counts expressions, of which a compound has two.
    truth = _compounds(dataset) if config.label_map == "compound" else None
    if truth is not None:
        described = replace(described, listed=None, rejected=None)
    if label_map is not None:
        described = replace(
            described,
            label_map=label_map.describe(file.classes),
            listed=None if described.listed is None else label_map.sum_counts(described.listed),
            rejected=described.rejected and label_map.sum_counts(described.rejected),
        )

    def score(seen: VocDataset) -> Evaluation:
        scored = score_split(
            file,
            weights,
            hardware,
            seen,
            config.batch_size,
            config.workers,
            file.temperature,
            config.views,
            config.face_size,
        )
        pictures = list(track(scored, len(seen), "scored", "pictures"))
        if label_map is not None:
            pictures = label_map.apply(pictures, file.classes, truth)
        protocol = replace(
            described,
            split_hash=hash_pictures(pictures, classes),
            weights_sha256=file.sha256,
            views=config.views,
            face_size=config.face_size,
            masked=seen.masked,
        )
        subsets = {"subset": config.subset} if config.subset else {}
        return evaluate(pictures, classes, protocol, subsets, config.resamples)

    evaluation = score(dataset)
    print(format_evaluation(evaluation))
    scores = scores_to_json(evaluation)
    write_scores(out / SCORES, scores)
    print(f"scores: {out / SCORES}")
    if config.masked:
        write_scores(out / MASKED_SCORES, scores_to_json(score(dataset.with_masks())))
        both = (out / SCORES, out / MASKED_SCORES)
        print(format_comparison(compare_files(both, "auto", config.resamples)))
        print(f"scores with masks: {out / MASKED_SCORES}")
    if config.report is not None:
        source = ReportSource(
            scores=scores,
            faces=evaluation.faces,
            weights=str(weights),
            model=to_plain(file.config),
            info=file.info,
            data=gather_data_facts(data, trained_on(file)),
            machine=describe_machine(hardware.describe()),
            records=read_log(weights.parent),
            load=None if config.hide_faces else _loader(dataset),
        )
        write_report(config.report, source)
        print(f"report: {config.report}")
    return EXIT_OK


def _demand_label_map(dataset: VocDataset, config: EvalConfig) -> None:
    """Raise ConfigError where labels stand for several expressions, and are not mapped."""
    from fer_det.core.sample import database_name
    from fer_det.evaluation.label_map import DEMANDED_BY

    databases = set(dataset.databases)
    for name, (label_map, classes) in DEMANDED_BY.items():
        found = databases & {database_name(name, False), database_name(name, True)}
        if found and config.label_map != label_map:
            raise ConfigError(
                f"{min(found)} has {classes}",
                "a model's expressions joined in the same way",
                f"add --label_map {label_map}",
            )
        if config.label_map == label_map == "compound" and not found:
            raise ConfigError(
                f"--label_map compound with {', '.join(sorted(databases))}",
                "RAF-DB's compound part",
                "leave the flag out",
            )


def _compounds(dataset: VocDataset) -> dict[str, list[str | None]]:
    """Image id -> the compound of each labelled face, None for a face of another kind."""
    from fer_det.core.label import compound_of

    return {
        picture.image_id: [
            compound_of(dict(zip(dataset.classes, shares.tolist(), strict=True)))
            for label, shares in zip(picture.labels, picture.label_probabilities, strict=True)
            if label > 0
        ]
        for picture in dataset.pictures
    }


def _loader(dataset: VocDataset) -> LoadPicture:
    from fer_det.data.voc_dataset import load_picture

    by_id = {picture.image_id: picture for picture in dataset.pictures}
    return lambda image_id: load_picture(by_id[image_id])


def _describe_data(dataset: VocDataset, split: str, file: ModelFile) -> Protocol:
    """Return what annotations and the converter's report state of the split."""
    from fer_det.engine.tasks import SHRINKAGE_FACES
    from fer_det.evaluation.protocol import Protocol
    from fer_det.io.voc import VocFolder

    best_rule = (
        "highest mean recall on the validation split, each class's shrunk towards the accuracy as "
        f"if by {SHRINKAGE_FACES} more faces (selection score), first epoch that reached it"
    )
    report = VocFolder(dataset.root).build_summary()
    databases = dataset.databases
    sources = _sources_by_database(report)
    framings = {name for each in databases for name in sources.get(each, {}).get("framing", {})}
    counts = {
        name: {label: report[name].get(split, {}).get(label, 0) for label in file.classes}
        for name in ("listed", "rejected")
        if name in report
    }
    return Protocol(
        dataset=", ".join(databases),
        split=split,
        split_hash="",
        image_variant=", ".join(FRAMINGS[name] for name in sorted(framings)) or "unknown",
        box_source=report.get("settings", {}).get("boxes", "unknown"),
        checkpoint_rule=best_rule if file.training is None else LAST_RULE,
        weights_sha256="",
        input_size=file.config.input_size,
        temperature=file.temperature,
        listed=counts.get("listed"),
        rejected=counts.get("rejected"),
        boxes_given=isinstance(file.config, ClassifierModelConfig),
    )


def _sources_by_database(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the converter's report on each data set, by the data set's name in annotations."""
    datasets: Mapping[str, Any] = report.get("datasets", {})
    return {each.get("database", name): each for name, each in datasets.items()}


if __name__ == "__main__":
    sys.exit(main())
