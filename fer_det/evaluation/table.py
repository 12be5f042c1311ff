"""An evaluation report for a terminal, at most 100 columns wide."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fer_det.evaluation.intervals import LEVEL
from fer_det.evaluation.matching import MIN_IOU
from fer_det.evaluation.recognition import Recognition
from fer_det.evaluation.temperature import UNCHANGED

if TYPE_CHECKING:
    from fer_det.evaluation.evaluate import EvaluationReport, RuleScores

WIDTH = 100
FEW_FACES = 30
"""Below that a class's percentile interval is too narrow to rest anything on."""

_RULES = {
    "top1": "class of the highest-scoring box, no threshold; no box is an error",
    "matched": f"class of the highest-scoring box with IoU >= {MIN_IOU}, else an error",
    "gt_box": "class that the box head gives the labelled face's own box",
}
_CLASSIFIER_RULES = {**_RULES, "gt_box": "class that it gives the labelled face's own box"}
_DETECTOR = "A face's expression is read by three rules; top1 is the primary one."
_CLASSIFIER = "A classifier, given each labelled face's box: compare it with a detector's gt_box."
_NO_DETECTOR = "not scored: a classifier finds no faces"
_NOT_RUN = "not scored: the box head was not run on the labelled faces' own boxes"
_LABEL_WIDTH = 28
_COUNT_WIDTH = 6
_CELL_WIDTH = 22
_NOTHING = "-"

Pick = Callable[[Recognition], NDArray[np.float64]]


def format_report(report: EvaluationReport) -> str:
    """All of a report: rules, scores with intervals, recalls, confusion, AP, what was scored."""
    blocks = [
        _title(report),
        _rules(report),
        _scores(report),
        _recalls(report),
        _confusion(report),
        _average_precision(report),
        *_notes(report),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _title(report: EvaluationReport) -> str:
    protocol, misses = report.protocol, int(_primary(report).confusion[:, -1].sum())
    faces, pictures = _count(report.n, "labelled face"), _count(report.pictures, "picture")
    missed = "boxes given" if protocol.boxes_given else f"{misses} missed"
    return "\n".join(
        _wrap(f"{protocol.dataset}, {protocol.split}: {faces} in {pictures}, {missed}")
    )


def _rules(report: EvaluationReport) -> str:
    given = report.protocol.boxes_given
    rules, unscored = (_CLASSIFIER_RULES, _NO_DETECTOR) if given else (_RULES, _NOT_RUN)
    lines = [_CLASSIFIER if given else _DETECTOR]
    for name, words in rules.items():
        lines.append(f"  {name:<8} {words if name in report.rules else unscored}")
    return "\n".join(lines)


def _scores(report: EvaluationReport) -> str:
    rows: list[tuple[str, Pick]] = [
        ("accuracy", lambda values: values.accuracy),
        ("mean of recalls", lambda values: values.mean_recall),
    ]
    rows += [(f"mean over {name}", _pick_subset(name)) for name in report.subsets]
    rows.append(("macro-F1", lambda values: values.macro_f1))
    if not report.protocol.boxes_given:
        rows.append(("miss rate", lambda values: values.miss_rate))
    lines = [_header(report, f"with {LEVEL:.0%} interval", "n")]
    lines += [_score_line(report, label, report.n, pick) for label, pick in rows]
    errors = [rule.calibration.ece for rule in report.rules.values()]
    lines.append(_line("calibration error (ECE)", report.n, map(_figure, errors)))
    if report.listed_by_class is not None:
        listed = sum(report.listed_by_class.values())
        all_listed = [rule.accuracy_all_listed for rule in report.rules.values()]
        means = [rule.mean_recall_all_listed for rule in report.rules.values()]
        lines.append(_line("accuracy, all listed", listed, map(_figure, all_listed)))
        lines.append(_line("mean, all listed", listed, map(_figure, means)))
    return "\n".join(lines)


def _recalls(report: EvaluationReport) -> str:
    lines = [_header(report, "recall by class", "n")]
    for row, label in enumerate(report.classes):
        lines.append(_score_line(report, label, report.n_by_class[label], _pick_recall(row)))
    return "\n".join(lines)


def _confusion(report: EvaluationReport) -> str:
    rows = [
        (label, [str(count) for count in counts])
        for label, counts in zip(report.classes, _primary(report).confusion, strict=True)
    ]
    title = f"confusion by {report.primary}: truth in rows, answers in columns"
    return "\n".join([title, *_grid([*report.classes, "none"], rows)])


def _average_precision(report: EvaluationReport) -> str:
    ap = report.ap
    if ap is None:
        return f"average precision {_NO_DETECTOR}"
    rows = [
        ("AP@0.5", [_figure(value) for value in (ap.ap50, *ap.ap50_by_class)]),
        ("AP@[.5:.95]", [_figure(value) for value in (ap.ap, *ap.ap_by_class)]),
    ]
    title = "average precision (COCO): a box counts once, as its most probable class"
    return "\n".join([title, *_grid(["mean", *report.classes], rows)])


def _notes(report: EvaluationReport) -> list[str]:
    protocol = report.protocol
    scored = (
        f"Scored: {protocol.image_variant} of {protocol.dataset}, split {protocol.split} (hash "
        f"{protocol.split_hash[:12]}), faces boxed by {protocol.box_source}, at "
        f"{protocol.size_text}, with weights {protocol.weights_sha256[:12]}, the checkpoint "
        f"chosen by {protocol.checkpoint_rule}; {_temperature(report)}."
    )
    drawn = (
        f"Intervals: {LEVEL:.0%}, percentiles of {report.resamples:,} bootstrap resamples of the "
        f"pictures (seed {report.seed})."
    )
    words = [
        scored,
        *(f"{name}: {', '.join(labels)}." for name, labels in report.subsets.items()),
        _unscored(report),
        _majority(report),
        f"{drawn} {_few_faces(report)}".rstrip(),
    ]
    return ["\n".join(line for text in words if text for line in _wrap(text))]


def _temperature(report: EvaluationReport) -> str:
    if report.protocol.temperature == UNCHANGED:
        return "probabilities as the network gives them"
    before = _figure(_primary(report).calibration.ece_untempered)
    return (
        f"probabilities at temperature {report.protocol.temperature:.2f}, without it ECE {before}"
    )


def _unscored(report: EvaluationReport) -> str:
    if report.listed_by_class is None:
        return "How many listed faces were rejected before scoring is not known."
    listed = sum(report.listed_by_class.values())
    if listed == report.n:
        return f"All {listed} listed faces were scored."
    rejected = report.protocol.rejected
    by_converter = f" ({sum(rejected.values())} rejected by the converter)" if rejected else ""
    return (
        f"{listed - report.n} of {listed} listed faces were not scored{by_converter}; "
        'the rows "all listed" count them as errors.'
    )


def _majority(report: EvaluationReport) -> str:
    if not report.n:
        return "No labelled face was given, so there is nothing to score."
    label = max(report.n_by_class, key=report.n_by_class.__getitem__)
    return f"Always answering {label} would score {report.n_by_class[label] / report.n:.3f}."


def _few_faces(report: EvaluationReport) -> str:
    few = [f"{label} {n}" for label, n in report.n_by_class.items() if 0 < n < FEW_FACES]
    return f"Too few faces for the interval to be trusted: {', '.join(few)}." if few else ""


def _primary(report: EvaluationReport) -> RuleScores:
    return report.rules[report.primary]


def _pick_subset(name: str) -> Pick:
    return lambda values: values.subset_mean_recall[name]


def _pick_recall(row: int) -> Pick:
    return lambda values: values.recall[..., row]


def _header(report: EvaluationReport, label: str, count: str) -> str:
    names = [f"{name} (primary)" if name == report.primary else name for name in report.rules]
    return _line(label, count, names)


def _score_line(report: EvaluationReport, label: str, count: int, pick: Pick) -> str:
    cells = [
        _figure(float(pick(rule.scores))) + _interval(pick(rule.intervals))
        for rule in report.rules.values()
    ]
    return _line(label, count, cells)


def _line(label: str, count: int | str, cells: Sequence[str] | map[str]) -> str:
    start = f"{_cut(label, _LABEL_WIDTH):<{_LABEL_WIDTH}}{count:>{_COUNT_WIDTH}}  "
    return (start + "".join(f"{cell:<{_CELL_WIDTH}}" for cell in cells)).rstrip()


def _grid(heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Right-aligned columns, as wide as their longest word or as WIDTH allows."""
    label_width = min(max(len(label) for label, _ in rows), _LABEL_WIDTH)
    longest = max(len(word) for words in (heads, *(cells for _, cells in rows)) for word in words)
    column = max(min(longest + 2, (WIDTH - label_width) // len(heads)), 6)
    return [
        f"{_cut(label, label_width):<{label_width}}"
        + "".join(f"{_cut(word, column - 1):>{column}}" for word in words)
        for label, words in [("", heads), *rows]
    ]


def _figure(value: float | None) -> str:
    return _NOTHING if value is None or math.isnan(value) else f"{value:.3f}"


def _interval(ends: NDArray[np.float64]) -> str:
    return "" if np.isnan(ends).any() else f" [{ends[0]:.3f}, {ends[1]:.3f}]"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
