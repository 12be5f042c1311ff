"""Rank any number of runs on the faces that all of them were scored on.

Every figure is computed again from the predictions for these faces, so runs on different folders
can be ranked too, as far as they share labelled faces. Each run is tested against the first of the
list (see fer_det.evaluation.comparison), and the p-values are corrected for their number by Holm's
method (Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
Statistics 6, 1979).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fer_det.config.leaderboard import SortBy
from fer_det.core.sample import MADE_CAUTION, names_made_faces
from fer_det.errors import ScoresError
from fer_det.evaluation.comparison import PairedDifference, compare_faces, differing_conditions
from fer_det.evaluation.predictions import RULES, ScoredFace, confusion_of_faces
from fer_det.evaluation.recognition import (
    Recognition,
    faces_by_class,
    measure,
    recognition_intervals,
    resample_counts,
)
from fer_det.evaluation.scores_file import SCORES, read_scores

Key = tuple[str, int]
"""Image id and the face's number in the picture."""


@dataclass(frozen=True, eq=False)
class Standing:
    """One run's place in the list."""

    name: str
    path: str
    protocol: Mapping[str, Any]
    rule: str
    """The rule that chose its predictions."""
    left_out: int
    """Faces of its scores.json that not all runs have."""
    scores: Recognition
    """Measures on the common faces; leading shape ()."""
    intervals: Recognition
    """Lower and upper end of their 95 % intervals; leading shape (2,)."""
    paired: PairedDifference | None = None
    """This run minus the first of the list; None for the first."""
    corrected_p: float | None = None
    """McNemar's p-value after Holm's correction; None for the first."""


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """Runs on the same faces, the best one first."""

    classes: tuple[str, ...]
    n_by_class: Mapping[str, int]
    """Common faces of each class."""
    standings: tuple[Standing, ...]
    sort: SortBy
    resamples: int

    @property
    def n(self) -> int:
        """Number of common faces."""
        return sum(self.n_by_class.values())

    @property
    def dataset(self) -> str:
        """Data sets and splits of the runs: 'rafdb, test'."""
        protocols = [each.protocol for each in self.standings]
        return "; ".join(dict.fromkeys(f"{p['dataset']}, {p['split']}" for p in protocols))

    @property
    def caution(self) -> str:
        """Warning for scores on made faces; empty for others."""
        return MADE_CAUTION if names_made_faces(self.dataset) else ""

    def notes(self) -> list[str]:
        """Return what a reader must know besides the figures, a sentence or two each."""
        notes = []
        if len({each.rule for each in self.standings}) > 1:
            rules = "; ".join(f"{each.name} {each.rule}" for each in self.standings)
            notes.append(f"No rule is common to all, so each has its primary one: {rules}.")
        if shorter := [each for each in self.standings if each.left_out]:
            counts = ", ".join(f"{each.name} {each.left_out:,}" for each in shorter)
            notes.append(f"Scored faces that are left out since not all runs have them: {counts}.")
        protocols = [each.protocol for each in self.standings]
        for condition, values in differing_conditions(protocols).items():
            shared = "; ".join(
                f"{value} ({', '.join(self._names_with(value, values))})"
                for value in dict.fromkeys(values)
            )
            notes.append(f"The runs differ in {condition}: {shared}.")
        if len(self.standings) > 1:
            notes.append(
                "The first run is the highest of the list on these very faces, which favours it. "
                f"{len(self.standings) - 1} tests against it, p corrected by Holm's method."
            )
        return notes

    def _names_with(self, value: str, values: Sequence[str]) -> list[str]:
        pairs = zip(self.standings, values, strict=True)
        return [each.name for each, own in pairs if own == value]


def rank_files(
    paths: Sequence[Path], sort: SortBy = "accuracy", rule: str = "auto", resamples: int = 2000
) -> Leaderboard:
    """Read scores.json files and rank the runs.

    rule: "auto" for one that all have, or the primary rule of each. Raises ScoresNotFoundError, and
    ScoresError for files that cannot be read, or that have no face, not the same classes, labels
    that contradict each other, or not the wanted rule.
    """
    read = [read_scores(path) for path in paths]
    classes = tuple(read[0][0]["classes"])
    for path, (scores, _) in zip(paths, read, strict=True):
        if set(scores["classes"]) != set(classes):
            raise ScoresError(
                f"{path} with the classes {', '.join(scores['classes'])}",
                f"those of {paths[0]}: {', '.join(classes)}",
                "score it with a --label_map that both allow, such as seven",
            )
    by_key = [{(face.image_id, face.index): face for face in faces} for _, faces in read]
    common = _common_faces(paths, by_key)
    rules = _choose_rules([scores for scores, _ in read], paths, rule)
    standings = [
        _measure(path, name, scores, faces, common, of_run, classes, resamples)
        for path, name, (scores, _), faces, of_run in zip(
            paths, _names(paths), read, by_key, rules, strict=True
        )
    ]
    order = sorted(
        range(len(standings)), key=lambda row: -_rank_value(getattr(standings[row].scores, sort))
    )
    first = order[0]
    tests: dict[int, PairedDifference] = {
        row: compare_faces(
            [by_key[first][key] for key in common],
            [by_key[row][key] for key in common],
            rules[first],
            classes,
            resamples,
            second_rule=rules[row],
        )
        for row in order[1:]
    }
    corrected = holm([each.p_value for each in tests.values()])
    for (row, paired), p_value in zip(tests.items(), corrected, strict=True):
        standings[row] = replace(standings[row], paired=paired, corrected_p=p_value)
    labels = [by_key[0][key].label for key in common]
    return Leaderboard(
        classes,
        {label: labels.count(label) for label in classes},
        tuple(standings[row] for row in order),
        sort,
        resamples,
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number: k-th smallest * (m - k + 1), rising."""
    corrected = [1.0] * len(p_values)
    largest = 0.0
    for rank, row in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, p_values[row] * (len(p_values) - rank)))
        corrected[row] = largest
    return corrected


def _common_faces(paths: Sequence[Path], by_key: Sequence[Mapping[Key, ScoredFace]]) -> list[Key]:
    """Return the faces of all runs, in the first run's order; ScoresError for none."""
    common = [key for key in by_key[0] if all(key in faces for faces in by_key)]
    if not common:
        raise ScoresError(
            f"{len(paths)} runs without a face that all of them were scored on",
            "runs on the same VOC folder and split",
            "name other files, or score the models on one folder",
        )
    for path, faces in zip(paths, by_key, strict=True):
        for key in common:
            if faces[key].label != by_key[0][key].label:
                raise ScoresError(
                    f"{path} with face {key[1]} of {key[0]} labelled {faces[key].label}, which is "
                    f"{by_key[0][key].label} in {paths[0]}",
                    "the same labels in all runs",
                    "score the models on the same VOC folder",
                )
    return common


def _choose_rules(
    scores: Sequence[Mapping[str, Any]], paths: Sequence[Path], asked: str
) -> list[str]:
    primary = [str(each["primary"]) for each in scores]
    if asked == "auto":
        common = [rule for rule in RULES if all(each[rule] is not None for each in scores)]
        first = next((rule for rule in (*primary, "gt_box") if rule in common), None)
        return primary if first is None else [first] * len(scores)
    for path, each in zip(paths, scores, strict=True):
        if each[asked] is None:
            raise ScoresError(
                f"{path}, which was not scored by {asked}", "a rule that all have", "change --rule"
            )
    return [asked] * len(scores)


def _measure(
    path: Path,
    name: str,
    scores: Mapping[str, Any],
    faces: Mapping[Key, ScoredFace],
    common: Sequence[Key],
    rule: str,
    classes: Sequence[str],
    resamples: int,
) -> Standing:
    by_picture = confusion_of_faces([faces[key] for key in common], rule, classes)
    whole = by_picture.sum(axis=0)
    present = faces_by_class(whole) > 0
    resampled = resample_counts(by_picture.reshape(len(by_picture), whole.size), resamples, 0)
    return Standing(
        name=name,
        path=str(path),
        protocol=scores["protocol"],
        rule=rule,
        left_out=len(faces) - len(common),
        scores=measure(whole, present, {}),
        intervals=recognition_intervals(measure(resampled.reshape(-1, *whole.shape), present, {})),
    )


def _names(paths: Sequence[Path]) -> list[str]:
    """Name runs by their folders, or by their files; those that share a name by their paths."""
    short = [path.parent.name if path.name == SCORES else path.stem for path in paths]
    return [
        name if name and short.count(name) == 1 else str(path)
        for name, path in zip(short, paths, strict=True)
    ]


def _rank_value(value: Any) -> float:
    return -1.0 if np.isnan(value) else float(value)
