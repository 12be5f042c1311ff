"""Evaluate a model on a split: ScoredPictures -> Evaluation, which holds all scores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fer_det.errors import ConfigError, DatasetFormatError
from fer_det.evaluation.average_precision import AveragePrecision, average_precision
from fer_det.evaluation.calibration import UNCHANGED, Calibration, measure_calibration
from fer_det.evaluation.label_map import NO_MAP
from fer_det.evaluation.picture import IntArray, ScoredPicture
from fer_det.evaluation.predictions import RULES, ScoredFace, confusion_of_faces, score_faces
from fer_det.evaluation.protocol import Protocol, hash_pictures
from fer_det.evaluation.recognition import (
    RESAMPLES,
    Recognition,
    faces_by_class,
    measure,
    measure_all_listed,
    recognition_intervals,
    resample_counts,
)

Subsets = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class RuleScores:
    """Scores of one rule on C classes."""

    confusion: IntArray
    """[C, C + 1], truth in rows, predictions in columns, "none" last."""
    scores: Recognition
    """Measures of `confusion`; leading shape ()."""
    intervals: Recognition
    """Lower and upper end of their 95 % intervals; leading shape (2,)."""
    accuracy_all_listed: float | None
    """Accuracy with listed faces that were not scored counted as errors; None where unknown."""
    mean_recall_all_listed: float | None
    """Mean recall, counted in the same way."""
    calibration: Calibration


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All scores of a model on a split, and the protocol under which they were computed."""

    classes: tuple[str, ...]
    """Names of the labels 1..C."""
    protocol: Protocol
    pictures: int
    """Number of pictures, including those without a labelled face."""
    n_by_class: Mapping[str, int]
    """Scored labelled faces of each class."""
    rules: Mapping[str, RuleScores]
    """Scores by rule (see fer_det.evaluation.predictions), the primary rule first. Of a detector
    `top1`, `matched` and, where the box head was run on the labelled boxes, `gt_box`; of a
    classifier `gt_box` only."""
    ap: AveragePrecision | None
    """None for a classifier, which detects no faces."""
    resamples: int
    seed: int
    subsets: Mapping[str, tuple[str, ...]]
    """Classes of each named subset over which a further mean recall is computed."""
    listed_by_class: Mapping[str, int] | None
    """Faces of each class in the data set's own list; None where unknown."""
    faces: tuple[ScoredFace, ...]
    """Each labelled face with its predictions, in the order of the pictures."""

    @property
    def n(self) -> int:
        """Number of scored labelled faces."""
        return sum(self.n_by_class.values())

    @property
    def primary(self) -> str:
        """Name of the primary rule: top1 for a detector, gt_box for a classifier."""
        return next(iter(self.rules))


def evaluate(
    pictures: Iterable[ScoredPicture],
    classes: Sequence[str],
    protocol: Protocol,
    subsets: Mapping[str, Sequence[str]] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """Score detections as predictions of each labelled face's expression, by three rules and by AP.

    classes: names of the labels 1..C. subsets: name -> classes over which a further mean recall is
    computed. The result is the same for the same seed and the same pictures in any order, except
    that AP ranks boxes of equal score in the order of the pictures.

    Where the protocol says `boxes_given`, `gt_box` is the only rule and there is no AP.

    Raises ConfigError for a subset with unknown classes, DatasetFormatError for more faces than the
    protocol lists, and ValueError for pictures that contradict the classes, each other or the
    protocol's split hash.
    """
    given = list(pictures)
    _check_pictures(given, classes, protocol)
    masks = _subset_masks(subsets or {}, classes)
    labelled = [picture for picture in given if len(picture.truth_labels)]
    n_by_class = _count_labels(labelled, classes)
    listed = _count_listed(protocol, n_by_class)
    rules = _rules(labelled, protocol)
    faces = tuple(score_faces(labelled, classes, rules))
    return Evaluation(
        classes=tuple(classes),
        protocol=protocol,
        pictures=len(given),
        n_by_class=n_by_class,
        rules={
            rule: _score_rule(faces, rule, classes, masks, listed, protocol, resamples, seed)
            for rule in rules
        },
        ap=None if protocol.boxes_given else average_precision(given, len(classes)),
        resamples=resamples,
        seed=seed,
        subsets={name: tuple(labels) for name, labels in (subsets or {}).items()},
        listed_by_class=listed,
        faces=faces,
    )


def _rules(labelled: Sequence[ScoredPicture], protocol: Protocol) -> list[str]:
    """Return the rules that can be scored; ValueError where the box head ran on some pictures."""
    if protocol.boxes_given:
        return ["gt_box"]
    without = [p.image_id for p in labelled if p.truth_probabilities is None]
    if without and len(without) < len(labelled):
        raise ValueError(
            f"truth_probabilities expected for all or none, found none for {without[0]}"
        )
    return [rule for rule in RULES if rule != "gt_box" or (labelled and not without)]


def _score_rule(
    faces: Sequence[ScoredFace],
    rule: str,
    classes: Sequence[str],
    subsets: Subsets,
    listed: Mapping[str, int] | None,
    protocol: Protocol,
    resamples: int,
    seed: int,
) -> RuleScores:
    by_picture = confusion_of_faces(faces, rule, classes)
    confusion = by_picture.sum(axis=0)
    present = faces_by_class(confusion) > 0
    cells = by_picture.reshape(len(by_picture), confusion.size)
    resampled = resample_counts(cells, resamples, seed)
    in_resamples = measure(resampled.reshape(-1, *confusion.shape), present, subsets)
    all_listed: tuple[float | None, float | None] = (None, None)
    if listed is not None:
        all_listed = measure_all_listed(confusion, np.array(list(listed.values()), np.int64))
    return RuleScores(
        confusion,
        measure(confusion, present, subsets),
        recognition_intervals(in_resamples),
        *all_listed,
        _calibration(faces, rule, protocol),
    )


def _calibration(faces: Sequence[ScoredFace], rule: str, protocol: Protocol) -> Calibration:
    predicted = [(face, each) for face in faces if (each := face.predictions[rule]) is not None]
    calibration = measure_calibration(
        np.array([each.probabilities for _, each in predicted], np.float64),
        np.array([each.label == face.label for face, each in predicted], np.bool_),
        protocol.temperature,
    )
    if protocol.label_map != NO_MAP and protocol.temperature != UNCHANGED:
        # A temperature cannot be taken back from sums of probabilities.
        return replace(calibration, ece_untempered=None)
    return calibration


def _check_pictures(
    pictures: Sequence[ScoredPicture], classes: Sequence[str], protocol: Protocol
) -> None:
    seen: set[str] = set()
    for picture in pictures:
        if picture.class_count != len(classes):
            raise ValueError(
                f"{picture.image_id}: classes expected {len(classes)}, found {picture.class_count}"
            )
        if picture.image_id in seen:
            raise ValueError(f"image ids expected once each, found {picture.image_id} again")
        seen.add(picture.image_id)
    found = hash_pictures(pictures, classes)
    if found != protocol.split_hash:
        raise ValueError(f"split hash expected {protocol.split_hash}, found {found}")


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
    labels = np.concatenate([np.empty(0, np.int64), *(each.truth_labels for each in labelled)])
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
                "build the VOC folder again",
            )
    return listed
