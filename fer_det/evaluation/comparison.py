"""Runs side by side: read from their scores.json, held against the first, and told as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_det.core.sample import MADE_CAUTION, names_made_faces
from fer_det.errors import ScoresError
from fer_det.evaluation.paired import Difference, Paired, check_same_faces, compare
from fer_det.evaluation.scores_file import read_scores
from fer_det.evaluation.table import FEW_FACES

MEASURES = {"accuracy": "accuracy", "mean_recall": "mean of recalls", "macro_f1": "macro-F1"}
CONDITIONS = ("input_size", "box_source", "image_variant", "checkpoint_rule", "boxes_given")
"""What may differ between runs on the same faces and should be known then."""

_LABEL, _CELL = 26, 23


@dataclass(frozen=True)
class Comparison:
    """Two or more runs on the same faces."""

    names: tuple[str, ...]
    """Paths of their scores."""
    scores: tuple[Mapping[str, Any], ...]
    rule: str
    """By which all are compared."""
    against_first: tuple[Paired, ...]
    """Of each run but the first."""
    resamples: int

    @property
    def dataset(self) -> str:
        """'rafdb, test'."""
        protocol = self.scores[0]["protocol"]
        return f"{protocol['dataset']}, {protocol['split']}"

    @property
    def caution(self) -> str:
        """What has to be said of made faces, empty for others."""
        return MADE_CAUTION if names_made_faces(self.dataset) else ""

    @property
    def classes(self) -> tuple[str, ...]:
        """Of the first run, and so of all."""
        return tuple(self.scores[0]["classes"])

    def few_faces(self) -> str:
        """'fear (4)' and the like: classes whose intervals are too narrow."""
        counts = self.scores[0]["n_by_class"].items()
        return ", ".join(f"{label} ({n})" for label, n in counts if 0 < n < FEW_FACES)

    def differing_conditions(self) -> dict[str, tuple[str, ...]]:
        """By name, the conditions that are not the same for all runs."""
        found = {
            name: tuple(str(each["protocol"].get(name)) for each in self.scores)
            for name in CONDITIONS
        }
        return {name: values for name, values in found.items() if len(set(values)) > 1}


def compare_files(paths: Sequence[Path], rule: str, resamples: int) -> Comparison:
    """Read runs and compare them; rule: "auto" for one that all were scored by.

    Raises ScoresNotFoundError and ScoresError, also for runs on other faces.
    """
    names = tuple(map(str, paths))
    read = [read_scores(path) for path in paths]
    scores = tuple(figures for figures, _ in read)
    # Numbered, since the same file may be named twice.
    check_same_faces([(name, faces) for name, (_, faces) in zip(names, read, strict=True)])
    if any(each["classes"] != scores[0]["classes"] for each in scores):
        raise ScoresError(
            "runs with other classes", "the same classes in the same order", "compare others"
        )
    chosen = _common_rule(scores, rule)
    first, *others = (faces for _, faces in read)
    classes = scores[0]["classes"]
    paired = tuple(compare(first, faces, chosen, classes, resamples) for faces in others)
    return Comparison(names, scores, chosen, paired, resamples)


def format_comparison(comparison: Comparison) -> str:
    """The runs' figures with intervals, and the tests, for a terminal."""
    return (
        "\n\n".join(
            "\n".join(block)
            for block in (
                _title(comparison),
                _figures(comparison),
                *(_tests(comparison, number) for number in range(len(comparison.against_first))),
                _notes(comparison),
            )
            if block
        )
        + "\n"
    )


def _common_rule(scores: Sequence[Mapping[str, Any]], asked: str) -> str:
    """`asked`, or the first that all were scored by, primary ones before others."""
    wanted = [str(each["primary"]) for each in scores] if asked == "auto" else [asked]
    for rule in [*wanted, "gt_box"] if asked == "auto" else wanted:
        if all(each.get(rule) is not None for each in scores):
            return rule
    raise ScoresError(
        f"runs that were not all scored by {' or '.join(dict.fromkeys(wanted))}",
        "a rule that all have",
        "choose another --rule",
    )


def _title(comparison: Comparison) -> list[str]:
    faces = comparison.scores[0]["n"]
    lines = [f"{comparison.dataset}: {faces:,} labelled faces, by {comparison.rule}"]
    if comparison.caution:
        lines.append(comparison.caution)
    return lines + [f"  {number}: {name}" for number, name in enumerate(comparison.names, start=1)]


def _figures(comparison: Comparison) -> list[str]:
    rules = [each[comparison.rule] for each in comparison.scores]
    lines = [_line("with 95 % interval", [str(n) for n in range(1, len(rules) + 1)])]
    for name, words in MEASURES.items():
        cells = [_with_interval(each[name], each["intervals"][name]) for each in rules]
        lines.append(_line(words, cells))
    counts = comparison.scores[0]["n_by_class"]
    for label in comparison.classes:
        cells = [
            _with_interval(each["recall"][label], each["intervals"]["recall"][label])
            for each in rules
        ]
        lines.append(_line(f"recall {label} ({counts[label]:,})", cells))
    return lines


def _tests(comparison: Comparison, number: int) -> list[str]:
    paired, second = comparison.against_first[number], number + 2
    split = f"1 has {paired.only_first:,} and {second} has {paired.only_second:,}"
    return [
        f"{second} less 1",
        _line("  accuracy", [_signed(paired.accuracy)]),
        f"    McNemar exact p {p_text(paired.p_value)}: of the faces one alone has right, {split}",
        _line("  mean of recalls", [_signed(paired.mean_recall)]),
        *(_line(f"  recall {label}", [_signed(each)]) for label, each in paired.recall.items()),
    ]


def _notes(comparison: Comparison) -> list[str]:
    lines = [
        f"Differences: 95 % intervals of {comparison.resamples:,} bootstrap resamples, each with "
        "the same pictures for both runs."
    ]
    if few := comparison.few_faces():
        lines.append(f"Too few faces for an interval to be trusted: {few}.")
    if len(comparison.against_first) > 1:
        lines.append(
            f"{len(comparison.against_first)} tests were made and no p is corrected for that."
        )
    for name, values in comparison.differing_conditions().items():
        lines.append(f"The runs differ in {name}: {'; '.join(values)}.")
    return lines


def p_text(p_value: float) -> str:
    """'= 0.0312', or '< 0.0001'."""
    return f"= {p_value:.4f}" if p_value >= 0.0001 else "< 0.0001"


def _signed(difference: Difference | None) -> str:
    if difference is None:
        return "-"
    return f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"


def _with_interval(value: float | None, ends: Sequence[float] | None) -> str:
    told = "-" if value is None else f"{value:.3f}"
    return told if ends is None else f"{told} [{ends[0]:.3f}, {ends[1]:.3f}]"


def _line(label: str, cells: Sequence[str]) -> str:
    return (f"{label:<{_LABEL}}" + "".join(f"{cell:<{_CELL}}" for cell in cells)).rstrip()
