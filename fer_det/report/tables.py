"""The tables of the page: headline, rules, confusion, data and conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fer_det.report.source import ReportSource
from fer_det.report.words import count, figure, with_interval

RULES = {
    "top1": "the highest-scoring box, wherever it lies",
    "matched": "the highest-scoring box with IoU of at least 0.5",
    "gt_box": "the labelled face's own box",
}
_SHADES = 6
"""Of a cell of the confusion matrix, from none to all of its row."""


@dataclass(frozen=True)
class Table:
    """Words in rows, the first of each its head."""

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
    """How many faces of a row got a column's name."""

    count: int
    share: str
    """Of the row, in per cent."""
    shade: int
    """0 to _SHADES."""
    right: bool


def tiles(source: ReportSource) -> tuple[Tile, ...]:
    """The headline's figures."""
    rule, scores = source.rule, source.scores
    most = max(scores["n_by_class"].items(), key=lambda pair: pair[1])
    present = sum(number > 0 for number in scores["n_by_class"].values())
    found = [
        _tile("accuracy", rule, "accuracy", f"always {most[0]}: {most[1] / scores['n']:.3f}"),
        _tile("mean of recalls", rule, "mean_recall", f"over {present} classes"),
    ]
    if not source.protocol["boxes_given"]:
        found.append(_tile("missed faces", rule, "miss_rate", "no box at all"))
    if scores["ap"] is not None:
        ap = scores["ap"]
        found.append(Tile("AP@0.5", figure(ap["ap50"]), "", f"AP@[.5:.95]: {figure(ap['ap'])}"))
    error = rule["calibration"]["ece"]
    found.append(Tile("calibration error", figure(error), "", "ECE; 0 is best"))
    return tuple(found)


def rules_table(scores: Mapping[str, Any]) -> Table:
    """The figures by the rules of choosing a box, with intervals."""
    names = [name for name in RULES if scores[name] is not None]
    measures = {
        "accuracy": "accuracy",
        "mean_recall": "mean of recalls",
        "macro_f1": "macro-F1",
        "miss_rate": "miss rate",
    }
    rows = [
        (words, *(_cell(scores[name], measure) for name in names))
        for measure, words in measures.items()
    ]
    rows += [
        (
            f"mean over {', '.join(labels)}",
            *(
                with_interval(
                    scores[rule]["subset_mean_recall"][name],
                    scores[rule]["intervals"]["subset_mean_recall"][name],
                )
                for rule in names
            ),
        )
        for name, labels in scores["subsets"].items()
    ]
    if scores["listed_by_class"] is not None:
        for measure in ("accuracy", "mean_recall"):
            cells = (figure(scores[name][f"{measure}_all_listed"]) for name in names)
            rows.append((f"{measures[measure]}, all listed", *cells))
    errors = (figure(scores[name]["calibration"]["ece"]) for name in names)
    rows.append(("calibration error (ECE)", *errors))
    head = tuple(f"{name} (primary)" if name == scores["primary"] else name for name in names)
    return Table("By the three rules of choosing a box", ("", *head), tuple(rows))


def confusion(source: ReportSource) -> Iterator[tuple[str, int, tuple[ConfusionCell, ...]]]:
    """Label, faces and cells of each row of the primary rule's confusion matrix."""
    for row, (label, counts) in enumerate(
        zip(source.scores["classes"], source.rule["confusion"], strict=True)
    ):
        total = sum(counts)
        yield (
            label,
            total,
            tuple(
                ConfusionCell(
                    number,
                    f"{number / total:.0%}" if total else "",
                    -(-_SHADES * number // total) if total else 0,
                    column == row,
                )
                for column, number in enumerate(counts)
            ),
        )


def data_tables(source: ReportSource) -> tuple[Table, ...]:
    """Where the pictures come from, and what the converter could not use."""
    built = source.data.built
    if not built:
        return ()
    tables = [_sources(built["datasets"]), *_splits(built)]
    for title, name in (
        ("Where the boxes come from", "box_sources"),
        ("Why pictures were rejected", "reasons"),
    ):
        counts: Mapping[str, int] = built.get(name, {})
        if counts:
            rows = tuple((words, f"{number:,}") for words, number in counts.items())
            tables.append(Table(title, ("", "pictures"), rows))
    return tuple(tables)


def conditions(source: ReportSource) -> Table:
    """What has to be said beside the scores."""
    protocol, rejected = source.protocol, source.protocol["rejected"]
    size = protocol["input_size"]
    rows = {
        "data set": protocol["dataset"],
        "split": protocol["split"],
        "split hash": protocol["split_hash"],
        "pictures": f"{count(source.scores['pictures'], 'picture')}, "
        f"{count(source.scores['n'], 'labelled face')}",
        "rejected by the converter": "unknown" if rejected is None else sum(rejected.values()),
        "kind of pictures": protocol["image_variant"],
        "faces boxed by": protocol["box_source"],
        "VOC folder": source.data.folder,
        "manifest": source.data.manifest or "none",
        "checkpoint": source.weights,
        "checkpoint's sha256": protocol["weights_sha256"],
        "checkpoint chosen by": protocol["checkpoint_rule"],
        "temperature": f"{protocol['temperature']:.4f}",
        "input": "/".join(map(str, size)) if isinstance(size, list) else f"{size} px",
        "intervals": "{level:.0%}, {resamples:,} bootstrap resamples of the pictures, seed {seed}"
        "".format(**source.scores["bootstrap"]),
    }
    return Table("Conditions", ("", ""), _rows(rows))


def settings(source: ReportSource) -> tuple[Table, ...]:
    """The model, its training, where its weights come from, and the machine."""
    trained: Mapping[str, Any] = source.info.get("train_config", {})
    training = {name: value for name, value in trained.items() if name != "model"}
    hashes = {f"data {name}": value for name, value in source.info.get("data", {}).items()}
    chain = {
        f"{'started from ' * (depth + 1)}".strip(): f"{start['path']} ({start['source']}), "
        f"sha256 {start['sha256']}"
        for depth, start in enumerate(_starts(source.info.get("init")))
    }
    tables = [
        Table("Model", ("", ""), _rows(_flat(source.model))),
        Table("Training", ("", ""), _rows({**_flat(training), **hashes, **chain})),
        Table("Machine that scored", ("", ""), _rows(source.machine)),
    ]
    return tuple(table for table in tables if table.rows)


def _tile(name: str, rule: Mapping[str, Any], measure: str, note: str) -> Tile:
    ends = rule["intervals"][measure]
    told = "" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"
    return Tile(name, figure(rule[measure]), told, note)


def _cell(rule: Mapping[str, Any], measure: str) -> str:
    return with_interval(rule[measure], rule["intervals"][measure])


def _sources(datasets: Mapping[str, Mapping[str, Any]]) -> Table:
    columns = ("root", "listed", "written", "rejected")
    rows = tuple(
        (str(each.get("database", name)), *(_word(each.get(column, "")) for column in columns))
        for name, each in datasets.items()
    )
    return Table("Sources", ("data set", "folder", "listed", "written", "rejected"), rows)


def _splits(built: Mapping[str, Any]) -> Iterator[Table]:
    written, listed = built.get("written", {}), built.get("listed", {})
    splits = [name for name in listed if name in written]
    if splits:
        rows = tuple(
            (
                label,
                *(f"{written[each].get(label, 0):,} / {listed[each][label]:,}" for each in splits),
            )
            for label in listed[splits[0]]
        )
        yield Table("Pictures written / listed", ("class", *splits), rows)


def _starts(init: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    while init is not None:
        yield init
        init = init.get("init")


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _rows(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _word(value)) for name, value in values.items())


def _word(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_word, value))
    return str(value)
