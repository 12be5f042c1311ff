"""tools/eval_rafdb.py: scores a model on a split of a VOC folder: a table and scores.json."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fer_det.config.command import parse_config
from fer_det.config.scoring import EvalConfig
from fer_det.errors import ConfigError, DatasetFormatError
from fer_det.io.files import demand_writable
from fer_det.runtime.command import EXIT_OK, run_command

if TYPE_CHECKING:
    from fer_det.data.voc_dataset import VocDataset
    from fer_det.engine.candidates import Candidate
    from fer_det.evaluation.evaluate import Evaluation
    from fer_det.evaluation.protocol import Protocol
    from fer_det.io.voc import VocFolder
    from fer_det.report.source import LoadPicture

PROG = "eval_rafdb.py"
FRAMINGS = {"photo": "original photos", "face_crop": "face crops"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_evaluate, argv)


def _evaluate(argv: Sequence[str] | None) -> int:
    config = parse_config(EvalConfig, PROG, argv)
    from fer_det.engine.candidates import find_candidate
    from fer_det.engine.run_folder import read_log
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
    from fer_det.report.page import write_report
    from fer_det.report.source import ReportSource, describe_machine, gather_data_facts
    from fer_det.runtime.device import choose_hardware
    from fer_det.runtime.memory import keep_freed_memory
    from fer_det.runtime.progress import track

    if config.report is not None:
        demand_writable(config.report.parent)
    hardware = choose_hardware(config.device, config.precision)
    candidate = find_candidate(config, hardware)
    print(f"{'weights' if config.predictions is None else 'predictions'}: {candidate.path}")
    label_map = None
    if config.label_map != NO_MAP:
        label_map = LABEL_MAPS[config.label_map].restrict(candidate.classes)
    classes = tuple(candidate.classes if label_map is None else label_map.members)
    if unknown := sorted(set(config.subset) - set(classes)):
        raise ConfigError(
            f"--subset with {', '.join(unknown)}",
            f"classes that are scored: {', '.join(classes)}",
            "change the flag",
        )
    where = f"data: {candidate.data}, split {config.split}"
    print(f"{where}, {hardware.describe()}" if config.predictions is None else where, flush=True)
    dataset = candidate.open_split(config.split)
    _demand_label_map(dataset, config)
    described = replace(
        _describe_data(dataset, config.split, candidate),
        views=config.views,
        face_size=config.face_size,
        label_map="none" if label_map is None else label_map.describe(candidate.classes),
        copies_left_out=config.leaks == "drop",
    )
    out = demand_writable(config.out or candidate.path.parent)
    if not config.overwrite:
        for name in (SCORES, MASKED_SCORES) if config.masked else (SCORES,):
            refuse_other_scores(out / name, described)
    overlaps = compare_with_training(
        candidate.info, candidate.data, config.split, dataset.databases, config.leaks
    )
    dropped: set[str] = set()
    texts = [each.text for each in overlaps]
    if config.leaks == "drop":
        dropped.update(*(each.ids for each in overlaps))
        if len(dropped) == len(dataset):
            raise DatasetFormatError(
                f"every picture of {config.split} shares something with the training data",
                "others",
                "score another split, or leave --leaks drop out",
            )
        texts.append(f"Left out: {len(dropped):,} of {len(dataset):,} pictures (--leaks drop)")
        described = replace(described, listed=None, rejected=None)
    described = replace(described, trained_on=describe_training(candidate.info), leaks=tuple(texts))
    keep_freed_memory()
    # The converter counts expressions, of which a compound has two.
    truth = _compounds(dataset) if config.label_map == "compound" else None
    if truth is not None:
        described = replace(described, listed=None, rejected=None)
    if label_map is not None:
        described = replace(
            described,
            listed=None if described.listed is None else label_map.sum_counts(described.listed),
            rejected=described.rejected and label_map.sum_counts(described.rejected),
        )

    def score(seen: VocDataset) -> Evaluation:
        scored = track(candidate.score(seen), len(seen), "scored", "pictures")
        pictures = [picture for picture in scored if picture.image_id not in dropped]
        if label_map is not None:
            pictures = label_map.apply(pictures, candidate.classes, truth)
        protocol = replace(
            described,
            split_hash=hash_pictures(pictures, classes),
            weights_sha256=candidate.sha256,
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
            weights=str(candidate.path),
            model=candidate.settings,
            info=candidate.info,
            data=gather_data_facts(candidate.data, candidate.trained_on),
            machine=describe_machine(hardware.describe()),
            records=read_log(candidate.path.parent),
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


def _describe_data(dataset: VocDataset, split: str, candidate: Candidate) -> Protocol:
    """Return what annotations and the converter's report state of the split."""
    from fer_det.evaluation.protocol import Protocol
    from fer_det.io.voc import VocFolder

    folder = VocFolder(dataset.root)
    report = folder.build_summary()
    databases = dataset.databases
    sources = _sources_by_database(report)
    framings = {name for each in databases for name in sources.get(each, {}).get("framing", {})}
    counts = _count_faces(folder, report, split, candidate.classes)
    return Protocol(
        dataset=", ".join(databases),
        split=split,
        split_hash="",
        image_variant=", ".join(FRAMINGS[name] for name in sorted(framings)) or "unknown",
        box_source=report.get("settings", {}).get("boxes", "unknown"),
        checkpoint_rule=candidate.checkpoint_rule,
        weights_sha256="",
        input_size=candidate.input_size,
        temperature=candidate.temperature,
        listed=counts.get("listed"),
        rejected=counts.get("rejected"),
        boxes_given=candidate.boxes_given,
    )


def _count_faces(
    folder: VocFolder, report: Mapping[str, Any], split: str, classes: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Return the `listed` and `rejected` faces of each class of a split by the converter's report.

    {} where it does not count them: of an image set that the converter did not write, and of
    training pictures that the balancer has copied.
    """
    from fer_det.io.voc import TRAINVAL

    parts = TRAINVAL if split == "trainval" else (split,)
    if "train" in parts and folder.balance_record():
        return {}
    counted = {
        name: [report[name][part] for part in parts if part in report[name]]
        for name in ("listed", "rejected")
        if name in report
    }
    return {
        name: {label: sum(each.get(label, 0) for each in of_parts) for label in classes}
        for name, of_parts in counted.items()
        if of_parts
    }


def _sources_by_database(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the converter's report on each data set, by the data set's name in annotations."""
    datasets: Mapping[str, Any] = report.get("datasets", {})
    return {each.get("database", name): each for name, each in datasets.items()}


if __name__ == "__main__":
    sys.exit(main())
