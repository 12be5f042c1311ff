"""The figures of a build: as JSON for programs and as text for people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fer_det.core.sample import IN_ALL, MADE_CAUTION, SPLITS, Sample, database_name
from fer_det.io.files import write_text
from fer_det.io.voc import BUILD_SUMMARY
from voc_builder.build.records import FaceRecord, Record

SUMMARY_TEXT = "summary.txt"
MADE_BY = "build_voc"


@dataclass(frozen=True)
class Found:
    """What a reader found in a data set."""

    name: str
    title: str
    root: str
    """The name of the data set's folder."""
    made: bool = False
    """Whether the faces are made ones, in that data set's layout."""
    pictures: Mapping[str, int] = field(default_factory=dict)
    """Split -> pictures to convert, before a validation split is taken from train."""
    published: Mapping[str, int] = field(default_factory=dict)
    """The same as the data set's authors state it; {} where they state nothing."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Reason -> pictures that the reader left out."""
    first_left_out: Mapping[str, str] = field(default_factory=dict)
    """Reason -> the name of the first of them."""

    @classmethod
    def of(
        cls,
        name: str,
        title: str,
        root: Path,
        samples: Iterable[Sample],
        made: bool,
        published: Sequence[Mapping[str, int]],
    ) -> Found:
        """Count what a reader yielded; `published` has the counts of each form of the data set."""
        pictures: Counter[str] = Counter()
        left_out: Counter[str] = Counter()
        first: dict[str, str] = {}
        for sample in samples:
            if sample.left_out is None:
                pictures[sample.split] += 1
            else:
                left_out[sample.left_out] += 1
                first.setdefault(sample.left_out, sample.picture.name)
        counts: dict[str, int] = {split: pictures[split] for split in SPLITS if pictures[split]}
        nearest = min(published, key=lambda form: _difference(counts, form), default={})
        known = {} if made else nearest
        return cls(name, title, root.resolve().name, made, counts, known, dict(left_out), first)

    def describe(self) -> str:
        """One line on what was found beside what was published, and one a reason of leaving out."""
        found = _format_split_counts(self.pictures) or "no"
        lines = [f"{self.title}: {found} pictures"]
        if self.published:
            same = _difference(self.pictures, self.published) == 0
            lines[0] += (
                ", as published" if same else f"; published: {_format_split_counts(self.published)}"
            )
        lines += [
            f"  left out: {count:,} ({reason}), the first is {self.first_left_out[reason]}"
            for reason, count in self.left_out.items()
        ]
        return "\n".join(lines)


def summarise(
    records: Sequence[Record],
    classes: Sequence[str],
    header: Mapping[str, Any],
    found: Sequence[Found],
) -> dict[str, Any]:
    """The figures of a build, in plain values.

    classes: in the label map's order.  header: fingerprint and settings. `listed`, `written` and
    `rejected` count labelled faces by split and class; those of the test split show how many faces
    an evaluation leaves out. `datasets` counts pictures.
    """
    written = [record for record in records if record.status == "written"]
    rejected = [record for record in records if record.status == "rejected"]
    present = {record.split for record in records}
    splits = [split for split in SPLITS if split in present]
    reasons = [record.reason for record in rejected]
    reasons += [face.reason for record in written for face in record.faces if face.box is None]
    return {
        "made_by": MADE_BY,
        **header,
        "classes": list(classes),
        "datasets": {each.name: _summarise_dataset(records, each) for each in found},
        "caution": MADE_CAUTION if any(each.made for each in found) else "",
        "listed": _count_by_split(records, splits, classes, lambda _: True),
        "written": _count_by_split(records, splits, classes, lambda face: face.box is not None),
        "rejected": _count_by_split(records, splits, classes, lambda face: face.box is None),
        "soft_labels": sum(
            face.probabilities is not None for record in records for face in record.faces
        ),
        "box_sources": _count(
            face.box_source for record in written for face in record.written_faces
        ),
        "pictures": _count(record.picture for record in written),
        "ignored_faces": sum(record.ignored for record in written),
        "reasons": _count(reasons),
        "rejected_pictures": [
            {
                "id": record.id,
                "source": f"{record.dataset}/{record.source}",
                "split": record.split,
                "expression": ", ".join(face.expression for face in record.faces),
                "reason": record.reason,
            }
            for record in rejected
        ],
    }


def write_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write summary.txt, then summary.json: where the latter exists, the build is complete."""
    write_text(folder / SUMMARY_TEXT, format_summary(summary))
    write_text(folder / BUILD_SUMMARY, json.dumps(summary, indent=2, ensure_ascii=False) + "\n")


def format_summary(summary: Mapping[str, Any]) -> str:
    """The figures as a page of text."""
    left_out = {
        f"{each['database']}: {reason}": count
        for each in summary["datasets"].values()
        for reason, count in each["left_out"].items()
    }
    parts = [
        "Labelled faces by split and expression: written / listed",
        _format_classes(summary["written"], summary["listed"]),
        f"Soft labels: {summary['soft_labels']}" if summary["soft_labels"] else "",
        "Data sets",
        _format_datasets(summary["datasets"]),
        "Pictures left out by rule" if left_out else "",
        _format_counts(left_out),
        summary["caution"],
        "Where the boxes come from",
        _format_counts(summary["box_sources"]),
        "How the pictures were written",
        _format_counts(summary["pictures"]),
        f"Other faces marked as ignore: {summary['ignored_faces']}",
        "Settings",
        _format_settings(summary),
        f"Rejected pictures: {len(summary['rejected_pictures'])}",
        _format_counts(summary["reasons"]),
        _format_rejected(summary["rejected_pictures"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def format_outcome(summary: Mapping[str, Any], out: Path) -> str:
    """The table of classes and one sentence, for the end of a run."""
    written = sum(each["written"] for each in summary["datasets"].values())
    listed = sum(each["listed"] for each in summary["datasets"].values())
    table = _format_classes(summary["written"], summary["listed"])
    rejected = len(summary["rejected_pictures"])
    return (
        f"Labelled faces written / listed\n{table}\n"
        f"{out}: {written} of {listed} pictures written, {rejected} rejected;"
        f" see {out / SUMMARY_TEXT} for the reasons"
    )


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells in aligned columns: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for first, *rest in rows:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)


def _summarise_dataset(records: Sequence[Record], found: Found) -> dict[str, Any]:
    own = [record for record in records if record.dataset == found.name]
    return {
        "database": database_name(found.name, found.made),
        "root": found.root,
        "listed": len(own),
        "written": sum(record.status == "written" for record in own),
        "rejected": sum(record.status == "rejected" for record in own),
        "absent": sum(record.absent for record in own),
        "framing": _count(record.framing for record in own),
        "found": dict(found.pictures),
        "published": dict(found.published),
        "left_out": dict(found.left_out),
    }


def _count(values: Iterable[Any]) -> dict[str, int]:
    """How often each value occurs, the most frequent first."""
    counts = Counter(values)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _count_by_split(
    records: Sequence[Record],
    splits: Sequence[str],
    classes: Sequence[str],
    counted: Callable[[FaceRecord], bool],
) -> dict[str, dict[str, int]]:
    counts = Counter(
        (record.split, face.expression)
        for record in records
        for face in record.faces
        if counted(face)
    )
    return {split: {name: counts[split, name] for name in classes} for split in splits}


def _difference(counts: Mapping[str, int], others: Mapping[str, int]) -> int:
    if IN_ALL in others:
        return abs(sum(counts.values()) - others[IN_ALL])
    return sum(abs(counts.get(split, 0) - others.get(split, 0)) for split in SPLITS)


def _format_split_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {split}" for split, count in counts.items())


def _format_classes(
    written: Mapping[str, Mapping[str, int]], listed: Mapping[str, Mapping[str, int]]
) -> str:
    splits = list(listed)
    classes = list(next(iter(listed.values())))
    rows = [["", *splits]]
    for name in classes:
        rows.append([name, *(f"{written[each][name]} / {listed[each][name]}" for each in splits)])
    totals = [f"{sum(written[s].values())} / {sum(listed[s].values())}" for s in splits]
    return format_table([*rows, ["all", *totals]])


def _format_datasets(datasets: Mapping[str, Mapping[str, Any]]) -> str:
    columns = ("root", "listed", "written", "rejected", "absent")
    rows = [["", *columns]]
    rows += [
        [each["database"], *(str(each[column]) for column in columns)] for each in datasets.values()
    ]
    return format_table(rows)


def _format_counts(counts: Mapping[str, int]) -> str:
    return format_table([[name, str(count)] for name, count in counts.items()]) if counts else ""


def _format_settings(summary: Mapping[str, Any]) -> str:
    rows = {name: json.dumps(value) for name, value in summary["settings"].items()}
    rows["fingerprint"] = summary["fingerprint"]
    width = max(map(len, rows))
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in rows.items())


def _format_rejected(pictures: Sequence[Mapping[str, str]]) -> str:
    columns = ("source", "split", "expression", "reason")
    widths = [max((len(each[name]) for each in pictures), default=0) for name in columns]
    return "\n".join(
        "  ".join(map(str.ljust, (each[name] for name in columns), widths)).rstrip()
        for each in pictures
    )
