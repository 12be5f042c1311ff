"""An evaluation, and a comparison of runs, as text for a terminal, at most 100 columns wide."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.evaluation.calibration import UNCHANGED
from fer_det.evaluation.comparison import MEASURES, Comparison, Difference
from fer_det.evaluation.evaluate import Evaluation, RuleScores
from fer_det.evaluation.label_map import NO_MAP
from fer_det.evaluation.predictions import MIN_IOU, RULES
from fer_det.evaluation.recognition import FEW_FACES, LEVEL, Recognition

WIDTH = 100
NOTHING = "-"
"""Stands for a figure that does not exist."""

_MEANING = {
    "top1": "class of the highest-scoring box, whatever its score; no box is an error",
    "matched": f"class of the highest-scoring box with IoU >= {MIN_IOU}; no such box is an error",
    "gt_box": "class predicted for the labelled face's own box",
}
_DETECTOR = "Three rules choose the prediction for each labelled face; top1 is the primary rule."
_CLASSIFIER = "The model is a classifier: compare its gt_box with the gt_box of a detector."
_NO_DETECTOR = "not scored: a classifier detects no faces"
_NOT_RUN = "not scored: the box head was not run on the labelled faces' own boxes"
_LABEL_WIDTH = 28
_COUNT_WIDTH = 6
_CELL_WIDTH = 22
_RUN_LABEL_WIDTH = 26
_RUN_CELL_WIDTH = 23

Pick = Callable[[Recognition], NDArray[np.float64]]


def format_score(value: float | None) -> str:
    """Return '0.706', or '-' for None and NaN."""
    return NOTHING if value is None or math.isnan(value) else f"{value:.3f}"


def format_with_interval(value: float | None, ends: Sequence[float] | None) -> str:
    """Return '0.706 [0.671, 0.740]', or the score alone where there is no interval."""
    return format_score(value) + ("" if ends is None else f" [{ends[0]:.3f}, {ends[1]:.3f}]")


def format_difference(difference: Difference) -> str:
    """Return '+0.112 [+0.031, +0.190]'."""
    ends = difference.interval
    return f"{difference.value:+.3f}" + (
        "" if ends is None else f" [{ends[0]:+.3f}, {ends[1]:+.3f}]"
    )


def format_p(p_value: float) -> str:
    """Return '= 0.0312', or '< 0.0001'."""
    return f"= {p_value:.4f}" if p_value >= 0.0001 else "< 0.0001"


def format_count(number: int, noun: str) -> str:
    """Return '1 face', or '1,024 faces'."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def format_evaluation(evaluation: Evaluation) -> str:
    """Return rules, scores with intervals, recalls, confusion matrix, AP and the protocol."""
    blocks = [
        _title(evaluation),
        _rules(evaluation),
        _scores(evaluation),
        _recalls(evaluation),
        _confusion(evaluation),
        _average_precision(evaluation),
        _notes(evaluation),
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def format_comparison(comparison: Comparison) -> str:
    """Return the scores of all runs, the tests of each run against the first, and notes."""
    blocks = [
        _runs(comparison),
        _scores_of_runs(comparison),
        *(_tests(comparison, number) for number in range(2, len(comparison.names) + 1)),
        _comparison_notes(comparison),
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _title(evaluation: Evaluation) -> list[str]:
    protocol, misses = evaluation.protocol, int(_primary(evaluation).confusion[:, -1].sum())
    faces = format_count(evaluation.n, "labelled face")
    pictures = format_count(evaluation.pictures, "picture")
    missed = "boxes given" if protocol.boxes_given else f"{misses:,} missed"
    return _wrap(f"{protocol.dataset}, {protocol.split}: {faces} in {pictures}, {missed}")


def _rules(evaluation: Evaluation) -> list[str]:
    given = evaluation.protocol.boxes_given
    unscored = _NO_DETECTOR if given else _NOT_RUN
    return [
        _CLASSIFIER if given else _DETECTOR,
        *(
            f"  {rule:<8} {_MEANING[rule] if rule in evaluation.rules else unscored}"
            for rule in RULES
        ),
    ]


def _scores(evaluation: Evaluation) -> list[str]:
    rules = evaluation.rules.values()
    rows: list[tuple[str, Pick]] = [
        ("accuracy", lambda values: values.accuracy),
        ("mean recall", lambda values: values.mean_recall),
    ]
    rows += [(f"mean recall over {name}", _pick_subset(name)) for name in evaluation.subsets]
    rows.append(("macro-F1", lambda values: values.macro_f1))
    if not evaluation.protocol.boxes_given:
        rows.append(("miss rate", lambda values: values.miss_rate))
    lines = [_header(evaluation, f"with {LEVEL:.0%} interval")]
    lines += [_score_line(evaluation, label, evaluation.n, pick) for label, pick in rows]
    if evaluation.listed_by_class is not None:
        listed = sum(evaluation.listed_by_class.values())
        lines += [
            _line("accuracy, all listed", listed, (each.accuracy_all_listed for each in rules)),
            _line(
                "mean recall, all listed", listed, (each.mean_recall_all_listed for each in rules)
            ),
        ]
    errors = [each.calibration for each in rules]
    lines.append(_line("calibration error (ECE)", evaluation.n, (each.ece for each in errors)))
    if evaluation.protocol.temperature != UNCHANGED:
        before = (each.ece_untempered for each in errors)
        lines.append(_line("ECE without temperature", evaluation.n, before))
    return lines


def _recalls(evaluation: Evaluation) -> list[str]:
    lines = [_header(evaluation, "recall by class")]
    for row, label in enumerate(evaluation.classes):
        count = evaluation.n_by_class[label]
        lines.append(_score_line(evaluation, label, count, _pick_recall(row)))
    return lines


def _confusion(evaluation: Evaluation) -> list[str]:
    rows = [
        (label, [str(count) for count in counts])
        for label, counts in zip(evaluation.classes, _primary(evaluation).confusion, strict=True)
    ]
    title = f"confusion by {evaluation.primary}: truth in rows, predictions in columns"
    return [title, *format_grid([*evaluation.classes, "none"], rows)]


def _average_precision(evaluation: Evaluation) -> list[str]:
    ap = evaluation.ap
    if ap is None:
        return [f"average precision {_NO_DETECTOR}"]
    rows = [
        ("AP@0.5", [format_score(value) for value in (ap.ap50, *ap.ap50_by_class)]),
        ("AP@[.5:.95]", [format_score(value) for value in (ap.ap, *ap.ap_by_class)]),
    ]
    title = "average precision (COCO): a box counts once, as its most probable class"
    return [title, *format_grid(["mean", *evaluation.classes], rows)]


def _notes(evaluation: Evaluation) -> list[str]:
    protocol = evaluation.protocol
    temperature = (
        "no temperature scaling"
        if protocol.temperature == UNCHANGED
        else f"temperature {protocol.temperature:.2f}"
    )
    few = [f"{label} {n}" for label, n in evaluation.n_by_class.items() if 0 < n < FEW_FACES]
    paragraphs = [
        f"Protocol: {protocol.dataset}, split {protocol.split} (hash {protocol.split_hash[:12]}), "
        f"{protocol.image_variant}, boxes from {protocol.box_source}, input {protocol.size_text}"
        f"{protocol.sight_text}, {temperature}; weights {protocol.weights_sha256[:12]}, "
        f"checkpoint: {protocol.checkpoint_rule}.",
        *([protocol.training_text] if protocol.training_text else []),
        *([] if protocol.label_map == NO_MAP else [f"Label map {protocol.label_map}."]),
        *(f"{name}: {', '.join(labels)}." for name, labels in evaluation.subsets.items()),
        _unscored(evaluation),
        _majority(evaluation),
        f"Intervals: {LEVEL:.0%} percentile intervals of {evaluation.resamples:,} bootstrap "
        f"resamples of the pictures (seed {evaluation.seed})."
        + (f" Too few faces for a reliable interval: {', '.join(few)}." if few else ""),
    ]
    return [line for text in paragraphs for line in _wrap(text)]


def _unscored(evaluation: Evaluation) -> str:
    if evaluation.listed_by_class is None:
        return "It is unknown how many listed faces were rejected before scoring."
    listed = sum(evaluation.listed_by_class.values())
    if listed == evaluation.n:
        return f"All {listed:,} listed faces were scored."
    rejected = evaluation.protocol.rejected
    by_builder = f" ({sum(rejected.values()):,} rejected by the VOC builder)" if rejected else ""
    return (
        f"{listed - evaluation.n:,} of {listed:,} listed faces were not scored{by_builder}; "
        'the rows "all listed" count them as errors.'
    )


def _majority(evaluation: Evaluation) -> str:
    if not evaluation.n:
        return "There is no labelled face, so there is nothing to score."
    label, count = max(evaluation.n_by_class.items(), key=lambda pair: pair[1])
    return f"Always predicting {label} would have an accuracy of {count / evaluation.n:.3f}."


def _runs(comparison: Comparison) -> list[str]:
    faces = format_count(comparison.scores[0]["n"], "labelled face")
    lines = [f"{comparison.dataset}: {faces}, by {comparison.rule}"]
    if comparison.caution:
        lines.append(comparison.caution)
    return lines + [f"  {number}: {name}" for number, name in enumerate(comparison.names, start=1)]


def _scores_of_runs(comparison: Comparison) -> list[str]:
    rules: list[dict[str, Any]] = [each[comparison.rule] for each in comparison.scores]
    numbers = [str(number) for number in range(1, len(rules) + 1)]
    lines = [_run_line(f"with {LEVEL:.0%} interval", numbers)]
    for name, label in MEASURES.items():
        cells = [format_with_interval(each[name], each["intervals"][name]) for each in rules]
        lines.append(_run_line(label, cells))
    counts = comparison.scores[0]["n_by_class"]
    for label in comparison.classes:
        cells = [
            format_with_interval(each["recall"][label], each["intervals"]["recall"][label])
            for each in rules
        ]
        lines.append(_run_line(f"recall {label} ({counts[label]:,})", cells))
    return lines


def _tests(comparison: Comparison, number: int) -> list[str]:
    paired = comparison.with_first[number - 2]
    lines = [f"run {number} minus run 1"]
    for name, difference in paired.by_measure().items():
        lines.append(_run_line(f"  {name}", [format_difference(difference)]))
        if name == "accuracy":
            lines.append(
                f"    McNemar exact p {format_p(paired.p_value)}: only run 1 is correct on "
                f"{paired.only_first:,} faces, only run {number} on {paired.only_second:,}"
            )
    return lines


def _comparison_notes(comparison: Comparison) -> list[str]:
    notes = [
        f"Differences: {LEVEL:.0%} intervals of {comparison.resamples:,} bootstrap resamples, each "
        "with the same pictures for both runs."
    ]
    if few := comparison.few_faces():
        notes.append(f"Too few faces for a reliable interval: {few}.")
    if len(comparison.with_first) > 1:
        notes.append(
            f"{len(comparison.with_first)} tests were made; no p-value is corrected for that."
        )
    for name, values in comparison.differing_conditions().items():
        notes.append(f"The runs differ in {name}: {'; '.join(values)}.")
    return [line for note in notes for line in _wrap(note)]


def _primary(evaluation: Evaluation) -> RuleScores:
    return evaluation.rules[evaluation.primary]


def _pick_subset(name: str) -> Pick:
    return lambda values: values.subset_mean_recall[name]


def _pick_recall(row: int) -> Pick:
    return lambda values: values.recall[..., row]


def _header(evaluation: Evaluation, label: str) -> str:
    names = [
        f"{rule} (primary)" if rule == evaluation.primary else rule for rule in evaluation.rules
    ]
    return _join(label, "n", names)


def _score_line(evaluation: Evaluation, label: str, count: int, pick: Pick) -> str:
    cells = []
    for rule in evaluation.rules.values():
        ends = pick(rule.intervals)
        value = float(pick(rule.scores))
        cells.append(format_with_interval(value, None if np.isnan(ends).any() else ends.tolist()))
    return _join(label, str(count), cells)


def _line(label: str, count: int, values: Iterable[float | None]) -> str:
    return _join(label, str(count), [format_score(value) for value in values])


def _join(label: str, count: str, cells: Sequence[str]) -> str:
    start = f"{_cut(label, _LABEL_WIDTH):<{_LABEL_WIDTH}}{count:>{_COUNT_WIDTH}}  "
    return (start + "".join(f"{cell:<{_CELL_WIDTH}}" for cell in cells)).rstrip()


def _run_line(label: str, cells: Sequence[str]) -> str:
    start = f"{_cut(label, _RUN_LABEL_WIDTH - 1):<{_RUN_LABEL_WIDTH}}"
    return (start + "".join(f"{cell:<{_RUN_CELL_WIDTH}}" for cell in cells)).rstrip()


def format_grid(heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Return right-aligned columns, as wide as their longest text or as WIDTH allows."""
    label_width = min(max(len(label) for label, _ in rows), _LABEL_WIDTH)
    longest = max(len(text) for texts in (heads, *(cells for _, cells in rows)) for text in texts)
    column = max(min(longest + 2, (WIDTH - label_width) // len(heads)), 6)
    return [
        f"{_cut(label, label_width):<{label_width}}"
        + "".join(f"{_cut(text, column - 1):>{column}}" for text in texts)
        for label, texts in [("", heads), *rows]
    ]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "."


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
