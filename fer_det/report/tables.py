"""The tables of the page: headline, rules, confusion matrix, data and conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fer_det.evaluation.calibration import UNCHANGED
from fer_det.evaluation.table import format_count, format_score, format_with_interval
from fer_det.report.source import ReportSource

RULES = {
    "top1": "the highest-scoring box, whatever its position",
    "matched": "the highest-scoring box with IoU of at least 0.5",
    "gt_box": "the labelled face's own box",
}
SHADES = 6
"""Shades of a cell of the confusion matrix, from 0 to all of its row."""

_MEASURES = {
    "accuracy": "accuracy",
    "mean_recall": "mean recall",
    "macro_f1": "macro-F1",
    "miss_rate": "miss rate",
}


@dataclass(frozen=True)
class Table:
    """Rows of text; the first cell of each row is its head."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Tile:
    """One figure of the headline."""

    name: str
    value: str
    interval: str
    note: str


@dataclass(frozen=True)
class ConfusionCell:
    """Number of faces of a row that were predicted as the column's class."""

    count: int
    share: str
    """Share of the row, in per cent."""
    shade: int
    """0 to SHADES."""
    correct: bool


def interval_text(ends: Sequence[float] | None) -> str:
    """Return '0.671 to 0.740', or an empty text for None."""
    return "" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def tiles(source: ReportSource) -> tuple[Tile, ...]:
    """Return the figures of the headline; there must be at least one face."""
    rule, scores = source.rule, source.scores
    label, count = max(scores["n_by_class"].items(), key=lambda pair: pair[1])
    present = sum(number > 0 for number in scores["n_by_class"].values())
    found = [
        _tile(rule, "accuracy", f"always {label}: {count / scores['n']:.3f}"),
        _tile(rule, "mean_recall", f"over {present} classes"),
    ]
    if not source.protocol["boxes_given"]:
        found.append(_tile(rule, "miss_rate", "faces without any box"))
    if scores["ap"] is not None:
        ap = scores["ap"]
        note = f"AP@[.5:.95]: {format_score(ap['ap'])}"
        found.append(Tile("AP@0.5", format_score(ap["ap50"]), "", note))
    calibration = rule["calibration"]
    note = "ECE; 0 is best"
    if source.protocol["temperature"] != UNCHANGED:
        note = f"ECE; without temperature: {format_score(calibration['ece_untempered'])}"
    found.append(Tile("calibration error", format_score(calibration["ece"]), "", note))
    return tuple(found)


def rules_table(scores: Mapping[str, Any]) -> Table:
    """Return the scores by each rule, with intervals."""
    rules = {name: scores[name] for name in RULES if scores[name] is not None}
    rows = [
        (label, *(_with_interval(each, name) for each in rules.values()))
        for name, label in _MEASURES.items()
        if name != "miss_rate" or not scores["protocol"]["boxes_given"]
    ]
    for name, labels in scores["subsets"].items():
        cells = (
            format_with_interval(
                each["subset_mean_recall"][name], each["intervals"]["subset_mean_recall"][name]
            )
            for each in rules.values()
        )
        rows.append((f"mean recall over {', '.join(labels)}", *cells))
    if scores["listed_by_class"] is not None:
        for name in ("accuracy", "mean_recall"):
            cells = (format_score(each[f"{name}_all_listed"]) for each in rules.values())
            rows.append((f"{_MEASURES[name]}, all listed", *cells))
    errors = [each["calibration"] for each in rules.values()]
    rows.append(("calibration error (ECE)", *(format_score(each["ece"]) for each in errors)))
    if scores["protocol"]["temperature"] != UNCHANGED:
        cells = (format_score(each["ece_untempered"]) for each in errors)
        rows.append(("ECE without temperature", *cells))
    head = tuple(f"{name} (primary)" if name == scores["primary"] else name for name in rules)
    title = "Scores by the rule that chooses the prediction"
    return Table(title, ("", *head), tuple(rows))


def confusion(source: ReportSource) -> Iterator[tuple[str, tuple[ConfusionCell, ...]]]:
    """Yield label and cells of each row of the primary rule's confusion matrix."""
    for row, (label, counts) in enumerate(
        zip(source.scores["classes"], source.rule["confusion"], strict=True)
    ):
        total = sum(counts)
        yield (
            label,
            tuple(
                ConfusionCell(
                    number,
                    f"{number / total:.0%}" if total else "",
                    -(-SHADES * number // total) if total else 0,
                    column == row,
                )
                for column, number in enumerate(counts)
            ),
        )


def data_tables(source: ReportSource) -> tuple[Table, ...]:
    """Return the sources of the pictures, and what the VOC builder rejected; () where unknown."""
    built = source.data.built
    if not built:
        return ()
    tables = [_sources(built["datasets"]), *_splits(built)]
    for title, name in (
        ("Sources of the boxes", "box_sources"),
        ("Reasons for rejected pictures", "reasons"),
    ):
        counts: Mapping[str, int] = built.get(name, {})
        if counts:
            rows = tuple((label, f"{number:,}") for label, number in counts.items())
            tables.append(Table(title, ("", "pictures"), rows))
    return tuple(tables)


def conditions(source: ReportSource) -> Table:
    """Return the scoring protocol, the files, and how the checkpoint was selected."""
    protocol, rejected = source.protocol, source.protocol["rejected"]
    size = protocol["input_size"]
    validation: Mapping[str, float] = source.info.get("validation", {})
    selected = {
        f"{label}, validation": format_score(validation[name])
        for name, label in (("selection", "selection score"), ("mean_recall", "mean recall"))
        if name in validation
    }
    rows = {
        "data set": protocol["dataset"],
        "split": protocol["split"],
        "split hash": protocol["split_hash"],
        "pictures": f"{format_count(source.scores['pictures'], 'picture')}, "
        f"{format_count(source.scores['n'], 'labelled face')}",
        "rejected by the VOC builder": "unknown" if rejected is None else sum(rejected.values()),
        "kind of pictures": protocol["image_variant"],
        "source of the boxes": protocol["box_source"],
        "views of a face": protocol.get("views", "one"),
        "faces shrunk to (pixels)": protocol.get("face_size") or "their own size",
        "drawn masks": "yes" if protocol.get("masked") else "no",
        "label map": protocol.get("label_map", "none"),
        "trained on": protocol.get("trained_on") or "unknown",
        "shared with the training data": "; ".join(protocol.get("leaks", ()))
        or "scored on a folder of the training: see fer-det check",
        "VOC folder": source.data.folder,
        "manifest": source.data.manifest or "none",
        "checkpoint": source.weights,
        "sha256 of the checkpoint": protocol["weights_sha256"],
        "checkpoint selected by": protocol["checkpoint_rule"],
        **selected,
        "temperature": f"{protocol['temperature']:.4f}",
        "input": _size_text(size),
        "intervals": "{level:.0%}, {resamples:,} bootstrap resamples of the pictures, seed {seed}"
        "".format(**source.scores["bootstrap"]),
    }
    return Table("Scoring protocol and checkpoint", ("", ""), _rows(rows))


def _size_text(size: int | Sequence[int] | None) -> str:
    if size is None:
        return "unknown"
    return f"{size} px" if isinstance(size, int) else "/".join(map(str, size))


def settings(source: ReportSource) -> tuple[Table, ...]:
    """Return the model, its training, the origin of its weights, and the machine."""
    train_config: Mapping[str, Any] = source.info.get("train_config", {})
    training = {name: value for name, value in train_config.items() if name != "model"}
    hashes = {f"data {name}": value for name, value in source.info.get("data", {}).items()}
    origins = {
        " of ".join(["initial weights"] * (depth + 1)): f"{start['path']} ({start['source']}), "
        f"sha256 {start['sha256']}"
        for depth, start in enumerate(_initial_weights(source.info.get("init")))
    }
    tables = [
        Table("Model", ("", ""), _rows(_flatten(source.model))),
        Table("Training", ("", ""), _rows({**_flatten(training), **hashes, **origins})),
        Table("Machine", ("", ""), _rows(source.machine)),
    ]
    return tuple(table for table in tables if table.rows)


def _tile(rule: Mapping[str, Any], name: str, note: str) -> Tile:
    ends = interval_text(rule["intervals"][name])
    return Tile(_MEASURES[name], format_score(rule[name]), ends, note)


def _with_interval(rule: Mapping[str, Any], name: str) -> str:
    return format_with_interval(rule[name], rule["intervals"][name])


def _sources(datasets: Mapping[str, Mapping[str, Any]]) -> Table:
    columns = ("root", "listed", "written", "rejected")
    rows = tuple(
        (str(each.get("database", name)), *(_text(each.get(column, "")) for column in columns))
        for name, each in datasets.items()
    )
    return Table("Data sets", ("data set", "folder", "listed", "written", "rejected"), rows)


def _splits(built: Mapping[str, Any]) -> Iterator[Table]:
    written, listed = built.get("written", {}), built.get("listed", {})
    both = {name: (written[name], listed[name]) for name in listed if name in written}
    if both:
        pairs = tuple(both.values())
        rows = tuple(
            (label, *(f"{kept.get(label, 0):,} / {total.get(label, 0):,}" for kept, total in pairs))
            for label in pairs[0][1]
        )
        yield Table("Pictures, written / listed", ("class", *both), rows)


def _initial_weights(init: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    while init is not None:
        yield init
        init = init.get("init")


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _rows(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _text(value)) for name, value in values.items())


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_text, value))
    return str(value)
