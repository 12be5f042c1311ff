"""Where a folder's pictures are from, as the manifest beside it tells."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_det.checks.finding import Finding

MANIFEST = "manifest.jsonl"


@dataclass(frozen=True)
class Origin:
    """What the manifest says of one picture."""

    split: str
    source: str
    """The raw data set's file, or in a balanced folder the id of the original."""
    subject: str | None = None
    """Who is shown, where the data set tells."""
    sha256: str | None = None
    """Of the file, where it was copied byte for byte."""


def read_origins(home: Path) -> tuple[dict[str, Origin] | None, list[Finding]]:
    """(what became of the pictures that were written, by id; what is wrong with the manifest).

    None where there is no manifest: others made the folder.
    """
    path = home / MANIFEST
    if not path.is_file():
        return None, []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}, [Finding(MANIFEST, "is not text")]
    origins: dict[str, Origin] = {}
    findings: list[Finding] = []
    for number, line in enumerate(lines, start=1):
        try:
            values = json.loads(line)
            name, origin = values["id"], _origin(values)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            findings.append(Finding(MANIFEST, f"line {number} is not a manifest's"))
            continue
        if values.get("status") == "rejected":
            continue
        if name in origins:
            findings.append(Finding(MANIFEST, f"line {number} names {name} a second time"))
        origins[name] = origin
    return origins, findings


def compare_with_lists(
    origins: Mapping[str, Origin], ids: Mapping[str, Sequence[str]]
) -> Iterator[Finding]:
    """What manifest and image sets say differently."""
    split_of = {name: split for split in ("train", "val", "test") for name in ids.get(split, ())}
    for name, origin in origins.items():
        listed = split_of.get(name)
        if listed is None:
            yield Finding(MANIFEST, f"{name} was written, and no image set lists it")
        elif listed != origin.split:
            yield Finding(MANIFEST, f"{name} is of {origin.split}, and {listed}.txt lists it")
    for name in split_of:
        if name not in origins:
            yield Finding(MANIFEST, f"{name} of {split_of[name]}.txt is not in it", refuses=False)


def _origin(values: Mapping[str, Any]) -> Origin:
    if not isinstance(values["id"], str):
        raise TypeError
    dataset = values.get("dataset")
    # Manifests of earlier versions name the group `subject`.
    subject = values.get("group", values.get("subject"))
    return Origin(
        split=str(values["split"]),
        source=f"{dataset}/{values['source']}" if dataset else str(values["source"]),
        subject=f"{dataset}/{subject}" if subject is not None else None,
        sha256=values.get("sha256") if values.get("picture") == "copied" else None,
    )
