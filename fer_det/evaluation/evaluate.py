"""The scores of a model on a split: `evaluate` makes them, `EvaluationReport` holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.errors import ConfigError, DatasetFormatError
from fer_det.evaluation.answers import FaceRecord, face_records
from fer_det.evaluation.average_precision import AveragePrecision, average_precision
from fer_det.evaluation.calibration import Calibration, calibrate
from fer_det.evaluation.intervals import RESAMPLES, percentile_interval, resample_counts
from fer_det.evaluation.matching import answer_gt_box, answer_matched, answer_top1
from fer_det.evaluation.picture import IntArray, ScoredPicture
from fer_det.evaluation.protocol import Protocol, hash_pictures
from fer_det.evaluation.recognition import (
    Recognition,
    confusion_by_picture,
    faces_by_class,
    measure,
    measure_all_listed,
)
from fer_det.evaluation.scores_file import plain_scores
from fer_det.evaluation.table import format_report

Subsets = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class RuleScores:
    """What one rule of choosing a box gives on C classes."""

    confusion: IntArray
    """[C, C + 1], truth by rows, answers by columns, "none" last."""
    scores: Recognition
    """Of `confusion`; leading shape ()."""
    intervals: Recognition
    """Their lower and upper 95 % ends; leading shape (2,)."""
    accuracy_all_listed: float | None
    """Accuracy where listed faces that were never scored are errors; None where nobody counted."""
    mean_recall_all_listed: float | None
    """The mean of recalls by the same count."""
    calibration: Calibration
    """What its probabilities are worth."""


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """Scores on a split, by the rules of choosing a box, and how they came."""

    classes: tuple[str, ...]
    """The names of the labels 1..C."""
    protocol: Protocol
    pictures: int
    """How many were given, those without a labelled face included."""
    n_by_class: Mapping[str, int]
    """Labelled faces scored."""
    top1: RuleScores | None
    """The class of the highest-scoring box; a detector's primary rule, None for a classifier."""
    matched: RuleScores | None
    """The class of the highest-scoring box with IoU >= 0.5; None for a classifier."""
    gt_box: RuleScores | None
    """The class for the labelled face's own box, by the box head, None where it was not run, or by
    a classifier, whose primary rule it is."""
    ap: AveragePrecision | None
    """None for a classifier, which finds no faces."""
    resamples: int
    seed: int
    subsets: Mapping[str, tuple[str, ...]]
    """The classes of each named subset that a further mean of recalls is taken over."""
    listed_by_class: Mapping[str, int] | None
    """The faces of each class in the data set's list; None where nobody counted."""
    faces: tuple[FaceRecord, ...]
    """What was answered for each labelled face, in the order of the pictures."""

    @property
    def n(self) -> int:
        """All labelled faces scored."""
        return sum(self.n_by_class.values())

    @property
    def rules(self) -> dict[str, RuleScores]:
        """The rules that were scored, by name, the primary one first."""
        rules = {"top1": self.top1, "matched": self.matched, "gt_box": self.gt_box}
        return {name: rule for name, rule in rules.items() if rule is not None}

    @property
    def primary(self) -> str:
        """The name of the first of `rules`."""
        return next(iter(self.rules))

    def to_json(self) -> dict[str, Any]:
        """The whole report as plain values that any JSON reader takes; what is NaN becomes None."""
        return plain_scores(self)

    def format_table(self) -> str:
        """The report for a terminal, at most 100 columns wide."""
        return format_report(self)


def evaluate(
    pictures: Iterable[ScoredPicture],
    classes: Sequence[str],
    protocol: Protocol,
    subsets: Mapping[str, Sequence[str]] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> EvaluationReport:
    """Score detections as answers to "which expression has this face?" by three rules, and AP.

    classes names the labels 1..C. subsets: a name -> the classes over which a further mean of
    recalls is taken. The same pictures, in any order, and seed give the same report but for the
    order in which AP breaks ties between equal scores.

    Where the protocol says that boxes were given, `gt_box` is the one rule and there is no AP.

    Raises ConfigError for a subset of classes that are not there, DatasetFormatError for more faces
    than the protocol lists, and ValueError for pictures that contradict the classes, each other or
    the protocol's split hash.
    """
    given = list(pictures)
    _check_pictures(given, classes, protocol)
    masks = _subset_masks(subsets or {}, classes)
    labelled = [picture for picture in given if len(picture.truth_labels)]
    n_by_class = _count_labels(labelled, classes)
    listed = _count_listed(protocol, n_by_class)

    looked, asked = not protocol.boxes_given, _box_head_was_run(labelled)
    rules = ["top1", "matched"] * looked + ["gt_box"] * (asked or not looked)
    faces = tuple(face_records(labelled, classes, rules))

    def score(rule: str, answer: Callable[[ScoredPicture], IntArray]) -> RuleScores | None:
        if rule not in rules:
            return None
        calibration = calibrate(faces, rule, protocol.temperature)
        return _score_rule(
            labelled, answer, masks, listed, len(classes), resamples, seed, calibration
        )

    return EvaluationReport(
        classes=tuple(classes),
        protocol=protocol,
        pictures=len(given),
        n_by_class=n_by_class,
        top1=score("top1", answer_top1),
        matched=score("matched", answer_matched),
        gt_box=score("gt_box", answer_gt_box),
        ap=average_precision(given, len(classes)) if looked else None,
        resamples=resamples,
        seed=seed,
        subsets={name: tuple(labels) for name, labels in (subsets or {}).items()},
        listed_by_class=listed,
        faces=faces,
    )


def _score_rule(
    labelled: Sequence[ScoredPicture],
    answer: Callable[[ScoredPicture], IntArray],
    subsets: Subsets,
    listed: Mapping[str, int] | None,
    classes: int,
    resamples: int,
    seed: int,
    calibration: Calibration,
) -> RuleScores:
    faces = [len(picture.truth_labels) for picture in labelled]
    by_picture = confusion_by_picture(
        np.repeat(np.arange(len(labelled)), faces),
        _join([picture.truth_labels for picture in labelled]),
        _join([answer(picture) for picture in labelled]),
        len(labelled),
        classes,
    )
    confusion = by_picture.sum(axis=0)
    present = faces_by_class(confusion) > 0
    cells = by_picture.reshape(len(labelled), classes * (classes + 1))
    drawn = resample_counts(cells, resamples, seed)
    in_resamples = measure(drawn.reshape(-1, classes, classes + 1), present, subsets)
    all_listed: tuple[float | None, float | None] = (None, None)
    if listed is not None:
        all_listed = measure_all_listed(confusion, np.array(list(listed.values()), np.int64))
    return RuleScores(
        confusion,
        measure(confusion, present, subsets),
        _intervals_of(in_resamples),
        *all_listed,
        calibration,
    )


def _intervals_of(resampled: Recognition) -> Recognition:
    return Recognition(
        accuracy=percentile_interval(resampled.accuracy),
        recall=percentile_interval(resampled.recall),
        mean_recall=percentile_interval(resampled.mean_recall),
        macro_f1=percentile_interval(resampled.macro_f1),
        miss_rate=percentile_interval(resampled.miss_rate),
        subset_mean_recall={
            name: percentile_interval(values)
            for name, values in resampled.subset_mean_recall.items()
        },
    )


def _check_pictures(
    pictures: Sequence[ScoredPicture], classes: Sequence[str], protocol: Protocol
) -> None:
    for picture in pictures:
        if picture.class_count != len(classes):
            raise ValueError(
                f"{picture.image_id}: classes expected {len(classes)}, found {picture.class_count}"
            )
    ids = [picture.image_id for picture in pictures]
    if len(set(ids)) != len(ids):
        twice = sorted({name for name in ids if ids.count(name) > 1})
        raise ValueError(f"image ids expected once each, found {twice[0]} again")
    found = hash_pictures(pictures, classes)
    if found != protocol.split_hash:
        raise ValueError(f"split hash expected {protocol.split_hash}, found {found}")


def _box_head_was_run(labelled: Sequence[ScoredPicture]) -> bool:
    """Whether gt_box can be scored; ValueError where it was run on some pictures only."""
    without = [p.image_id for p in labelled if p.truth_probabilities is None]
    if without and len(without) < len(labelled):
        raise ValueError(
            f"truth_probabilities expected for all or none, found none for {without[0]}"
        )
    return bool(labelled) and not without


def _subset_masks(subsets: Mapping[str, Sequence[str]], classes: Sequence[str]) -> Subsets:
    for name, labels in subsets.items():
        unknown = [label for label in labels if label not in classes]
        if unknown or not labels:
            raise ConfigError(
                f"subset {name!r} names {', '.join(map(repr, unknown)) or 'no class'}",
                f"classes among {', '.join(classes)}",
                "correct the subset",
            )
    return {
        name: np.array([label in labels for label in classes]) for name, labels in subsets.items()
    }


def _count_labels(labelled: Sequence[ScoredPicture], classes: Sequence[str]) -> dict[str, int]:
    labels = _join([picture.truth_labels for picture in labelled])
    counts = np.bincount(labels, minlength=len(classes) + 1)[1:]
    return dict(zip(classes, counts.tolist(), strict=True))


def _count_listed(protocol: Protocol, n_by_class: Mapping[str, int]) -> dict[str, int] | None:
    listed = protocol.listed_by_class(n_by_class)
    if listed is None:
        return None
    for label, scored in n_by_class.items():
        rejected = (protocol.rejected or {}).get(label, 0)
        if scored > listed[label] - rejected:
            raise DatasetFormatError(
                f"{scored} faces of {label} in {protocol.dataset} {protocol.split}",
                f"at most {listed[label] - rejected}, as {listed[label]} were listed and "
                f"{rejected} rejected",
                "build the VOC folder anew",
            )
    return listed


def _join(arrays: Sequence[IntArray]) -> IntArray:
    return np.concatenate([np.empty(0, np.int64), *arrays])
