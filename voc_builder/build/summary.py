"""What a build did, in figures: as JSON for programs and as text for people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_det.core.sample import MADE_CAUTION, database_name
from fer_det.io.files import write_text
from fer_det.io.voc import BUILD_REPORT
from voc_builder.build.manifest import Record
from voc_builder.build.split import SPLITS

REPORT_TEXT = "report.txt"
MADE_BY = "build_voc"


def summarise(
    records: Sequence[Record],
    classes: Sequence[str],
    header: Mapping[str, Any],
    roots: Mapping[str, str],
    made: Collection[str] = (),
) -> dict[str, Any]:
    """The figures of a build, in plain values.

    classes: in the label map's order.  header: fingerprint and settings.  roots: the name of each
    data set's folder.  made: the names of those that made faces stand in for. `listed`, `written`
    and `rejected` count by split and class; of the test split they tell how many pictures an
    evaluation leaves out.
    """
    written = [record for record in records if record.status == "written"]
    rejected = [record for record in records if record.status == "rejected"]
    present = {record.split for record in records}
    splits = [split for split in SPLITS if split in present]
    return {
        "made_by": MADE_BY,
        **header,
        "classes": list(classes),
        "datasets": {
            name: {
                "database": database_name(name, name in made),
                **_summarise_dataset(records, name, root),
            }
            for name, root in roots.items()
        },
        "caution": MADE_CAUTION if made else "",
        "listed": _count_by_split(records, splits, classes),
        "written": _count_by_split(written, splits, classes),
        "rejected": _count_by_split(rejected, splits, classes),
        "box_sources": _count(record.box_source for record in written),
        "pictures": _count(record.picture for record in written),
        "ignored_faces": sum(record.ignored for record in written),
        "reasons": _count(record.reason for record in rejected),
        "rejected_pictures": [
            {
                "id": record.id,
                "source": f"{record.dataset}/{record.source}",
                "split": record.split,
                "expression": record.expression,
                "reason": record.reason,
            }
            for record in rejected
        ],
    }


def write_report(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write report.txt, then report.json: where the latter is, the build is complete."""
    write_text(folder / REPORT_TEXT, format_report(summary))
    write_text(folder / BUILD_REPORT, json.dumps(summary, indent=2, ensure_ascii=False) + "\n")


def format_report(summary: Mapping[str, Any]) -> str:
    """The figures as a page of text."""
    parts = [
        "Pictures by split and expression: written / listed",
        _format_classes(summary["written"], summary["listed"]),
        "Data sets",
        _format_datasets(summary["datasets"]),
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
        f"Pictures written / listed\n{table}\n"
        f"{out}: {written} of {listed} pictures written, {rejected} rejected;"
        f" {out / REPORT_TEXT} tells why"
    )


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells in aligned columns: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for first, *rest in rows:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)


def _summarise_dataset(records: Sequence[Record], name: str, root: str) -> dict[str, Any]:
    own = [record for record in records if record.dataset == name]
    return {
        "root": root,
        "listed": len(own),
        "written": sum(record.status == "written" for record in own),
        "rejected": sum(record.status == "rejected" for record in own),
        "absent": sum(record.absent for record in own),
        "framing": _count(record.framing for record in own),
    }


def _count(values: Any) -> dict[str, int]:
    """How often each value comes, the most frequent first."""
    counts = Counter(values)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _count_by_split(
    records: Sequence[Record], splits: Sequence[str], classes: Sequence[str]
) -> dict[str, dict[str, int]]:
    counts = Counter((record.split, record.expression) for record in records)
    return {split: {name: counts[split, name] for name in classes} for split in splits}


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
