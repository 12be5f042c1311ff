"""Folds that share no person: which pictures are in which, and the scores of all together."""

from __future__ import annotations

import hashlib
import json
import math
import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fer_det.config.folds import FoldProtocol
from fer_det.errors import DatasetFormatError
from fer_det.evaluation.picture import IntArray
from fer_det.evaluation.predictions import ScoredFace, confusion_of_faces
from fer_det.evaluation.recognition import (
    faces_by_class,
    measure,
    recognition_intervals,
    resample_counts,
)
from fer_det.evaluation.table import (
    format_grid,
    format_score,
    format_with_interval,
)
from fer_det.io.files import make_folder, write_text
from fer_det.io.voc import BUILD_SUMMARY, DEVKIT, VocFolder, read_manifest_rows

FOLDS = 10
SPLITS = ("train", "val", "test")
MEASURES = {"accuracy": "accuracy", "mean_recall": "mean recall"}

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Fold:
    """One fold."""

    name: str
    persons: Mapping[str, tuple[str, ...]]
    """Split -> persons; no person is in two splits."""


@dataclass(frozen=True)
class FoldPlan:
    """The folds of a VOC folder."""

    folds: tuple[Fold, ...]
    person_of: Mapping[str, str]
    """Image id -> person."""
    written: tuple[str, ...]
    """Image ids of the pictures that are in the folder."""
    rows: Rows
    """Of the manifest, pictures that were not written among them."""

    def hash(self) -> str:
        """A hash of all pictures, their sources and their folds."""
        shown = [[fold.name, fold.persons] for fold in self.folds]
        rows = [[row["id"], row.get("sha256"), row.get("faces")] for row in self.rows]
        return hashlib.sha256(json.dumps([shown, rows], sort_keys=True).encode()).hexdigest()


def plan_folds(folder: VocFolder, protocol: FoldProtocol, val_fraction: float) -> FoldPlan:
    """Deal the persons of a VOC folder to folds.

    Each fold's validation persons are those that follow its test persons in the order of the folds,
    beginning again at the end. Raises DatasetFormatError for a balanced folder, for pictures
    without a person, and for fewer than three persons.
    """
    rows = read_manifest_rows(folder.home)
    if folder.balance_record():
        raise DatasetFormatError(
            f"{folder.home} is balanced: copies of a picture would be in several folds",
            "a folder as build-voc writes it",
            "name the folder that was balanced; training repeats rare classes by --balance",
        )
    without = [row["id"] for row in rows if not row.get("group")]
    if without or not rows:
        raise DatasetFormatError(
            f"{folder.home} does not say who is in {len(without) or 'its'} pictures"
            + (f", the first is {without[0]}" if without else ""),
            "a manifest with a person (group) for each picture",
            "build it from a data set that names persons, such as JAFFE or CK+",
        )
    several = len({row["dataset"] for row in rows}) > 1
    person_of = {
        row["id"]: f"{row['dataset']}/{row['group']}" if several else str(row["group"])
        for row in rows
    }
    number_of = _fold_numbers(rows, person_of, protocol)
    # By fold and name, so that a fold's followers are the next fold.
    order = sorted(number_of, key=lambda person: (number_of[person], person))
    numbers = sorted(set(number_of.values()))
    if len(order) < 3 or len(numbers) < 3:
        raise DatasetFormatError(
            f"{folder.home} has {len(order)} persons in {len(numbers)} folds",
            "three or more, for training, validation and test",
            "build a folder with more persons",
        )
    folds = [_make_fold(number, order, number_of, protocol, val_fraction) for number in numbers]
    written = tuple(row["id"] for row in rows if row.get("status") == "written")
    return FoldPlan(tuple(folds), person_of, written, rows)


def _fold_numbers(
    rows: Rows, person_of: Mapping[str, str], protocol: FoldProtocol
) -> dict[str, int]:
    """Person -> fold: by the attribute of the data set's reader where all have it, or dealt."""
    persons = sorted(set(person_of.values()))
    if protocol == "leave_one_out":
        return {person: rank for rank, person in enumerate(persons)}
    stated = {
        person_of[row["id"]]: int(fold)
        for row in rows
        if (fold := (row.get("attributes") or {}).get("fold")) is not None
    }
    if len({row["dataset"] for row in rows}) == 1 and stated.keys() == set(persons):
        return stated
    return {person: rank % FOLDS for rank, person in enumerate(persons)}


def _make_fold(
    number: int,
    order: Sequence[str],
    number_of: Mapping[str, int],
    protocol: FoldProtocol,
    val_fraction: float,
) -> Fold:
    test = tuple(person for person in order if number_of[person] == number)
    after = order.index(test[-1]) + 1
    rest = [*order[after:], *order[: order.index(test[0])]]
    count = min(max(1, round(val_fraction * len(rest))), len(rest) - 1)
    name = f"fold-{number:02d}"
    if protocol == "leave_one_out":
        name += f"-{re.sub(r'[^A-Za-z0-9_-]+', '-', test[0])}"
    return Fold(
        name, {"train": tuple(sorted(rest[count:])), "val": tuple(rest[:count]), "test": test}
    )


def write_fold(folder: Path, source: VocFolder, plan: FoldPlan, fold: Fold) -> None:
    """Write a VOC folder of image sets whose pictures and annotations are links to the source's."""
    base = folder / DEVKIT
    make_folder(base / "ImageSets" / "Main")
    for name in ("JPEGImages", "Annotations"):
        link, target = base / name, (source.root / name).resolve()
        if link.is_symlink() and link.resolve() != target:
            link.unlink()
        if not link.is_symlink():
            link.symlink_to(target, target_is_directory=True)
    split_of = {person: split for split, own in fold.persons.items() for person in own}
    splits = {name: split_of[person] for name, person in plan.person_of.items()}
    view = VocFolder(folder)
    view.write_label_map(source.classes())
    view.write_image_sets(
        {split: [name for name in plan.written if splits[name] == split] for split in SPLITS},
        {name: source.read(name).labels for name in plan.written},
    )
    summary = source.build_summary()
    kept = {name: summary[name] for name in ("settings", "datasets") if name in summary}
    counts: dict[str, dict[str, Counter[str]]] = {
        kind: {split: Counter() for split in SPLITS} for kind in ("listed", "rejected")
    }
    for row in plan.rows:
        for face in row.get("faces") or ():
            counts["listed"][splits[row["id"]]][face["expression"]] += 1
            counts["rejected"][splits[row["id"]]][face["expression"]] += face["box"] is None
    write_text(folder / BUILD_SUMMARY, json.dumps({**kept, **counts}, indent=1) + "\n")


def sum_up(
    plan: FoldPlan,
    results: Sequence[tuple[Mapping[str, Any], Sequence[ScoredFace]]],
    resamples: int,
    seed: int = 0,
) -> dict[str, Any]:
    """The scores of each fold, their means, and the scores of all test faces together.

    results: scores.json of each fold, as `read_scores` returns it. Intervals are of persons that
    are sampled with replacement, since the faces of one person are not independent; they say
    nothing of how another training would come out. Raises DatasetFormatError where the folds'
    scores do not fit together.
    """
    classes, rule = results[0][0]["classes"], results[0][0]["primary"]
    folds = []
    confusions: dict[str, IntArray] = {}
    for fold, (scores, faces) in zip(plan.folds, results, strict=True):
        persons = [plan.person_of.get(face.image_id) for face in faces]
        if scores["classes"] != classes or not set(persons) <= set(fold.persons["test"]):
            raise DatasetFormatError(
                f"the scores of {fold.name} are of other classes or pictures than its test split",
                "the scores of this command",
                "add --overwrite",
            )
        for person in dict.fromkeys(persons):
            own = [face for face, each in zip(faces, persons, strict=True) if each == person]
            confusion = confusion_of_faces(own, rule, classes).sum(axis=0)
            confusions[str(person)] = confusion
        figures = {name: scores[rule][name] for name in (*MEASURES, "miss_rate")}
        test = list(fold.persons["test"])
        folds.append({"name": fold.name, "test_persons": test, "n": scores["n"], **figures})
    by_person = np.stack([confusions[person] for person in sorted(confusions)])
    pooled = by_person.sum(axis=0)
    present = faces_by_class(pooled) > 0
    cells = resample_counts(by_person.reshape(len(by_person), -1), resamples, seed)
    ends = recognition_intervals(measure(cells.reshape(-1, *pooled.shape), present, {}))
    found = measure(pooled, present, {})
    return {
        "rule": rule,
        "classes": classes,
        "folds": folds,
        "mean": {name: statistics.fmean(fold[name] for fold in folds) for name in MEASURES},
        "deviation": {name: statistics.stdev(fold[name] for fold in folds) for name in MEASURES},
        "pooled": {
            "n": int(pooled.sum()),
            "persons": len(by_person),
            **{name: float(getattr(found, name)) for name in MEASURES},
            "recall": {
                label: None if math.isnan(value) else float(value)
                for label, value in zip(classes, found.recall, strict=True)
            },
            "intervals": {name: [float(end) for end in getattr(ends, name)] for name in MEASURES},
            "resamples": resamples,
            "confusion": pooled.tolist(),
        },
    }


def format_folds(summary: Mapping[str, Any]) -> str:
    """The table that the command prints, at most 100 columns wide."""
    pooled = summary["pooled"]
    heads = ["persons", "faces", "accuracy", "mean recall"]

    def figures(of: Mapping[str, Any]) -> list[str]:
        return [format_score(of[name]) for name in MEASURES]

    rows = [
        (fold["name"], [str(len(fold["test_persons"])), str(fold["n"]), *figures(fold)])
        for fold in summary["folds"]
    ]
    rows += [
        ("mean of the folds", ["", "", *figures(summary["mean"])]),
        ("standard deviation", ["", "", *figures(summary["deviation"])]),
        ("all together", [str(pooled["persons"]), str(pooled["n"]), *figures(pooled)]),
    ]
    intervals = ", ".join(
        f"{label} {format_with_interval(pooled[name], pooled['intervals'][name])}"
        for name, label in MEASURES.items()
    )
    confusion = [
        (label, [str(count) for count in counts])
        for label, counts in zip(summary["classes"], pooled["confusion"], strict=True)
    ]
    lines = [
        f"{len(rows) - 3} folds by {summary['rule']}; no person is in two splits of a fold",
        *format_grid(heads, rows),
        "",
        f"all together: {intervals}",
        f"with 95 % intervals of {pooled['resamples']:,} resamples of the persons",
        "",
        "confusion of all test faces, truth in rows",
        *format_grid([*summary["classes"], "none"], confusion),
    ]
    return "\n".join(lines) + "\n"
