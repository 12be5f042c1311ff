"""What lies beside a VOC folder's pictures: the converter's report, the balancer's record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fer_det.io.voc import MANIFEST, VocFolder


@dataclass(frozen=True)
class DataFacts:
    """Of the folder that was scored, and of the one that was trained on; {} for what is absent."""

    folder: str
    built: Mapping[str, Any] = field(default_factory=dict)
    """The scored folder's report.json: listed, written and rejected pictures, and why."""
    training: Mapping[str, int] = field(default_factory=dict)
    """By class, the training pictures of the folder trained on, before any balancing."""
    balanced: Mapping[str, int] = field(default_factory=dict)
    """The same after the balancer."""
    manifest: str = ""
    """'2,776 lines, sha256 ...'."""


def gather_data_facts(folder: Path, trained_on: Path | None) -> DataFacts:
    """Read what there is; DatasetFormatError for a file that is broken."""
    scored = VocFolder(folder)
    before, after = _training_counts(trained_on)
    return DataFacts(
        folder=str(folder),
        built=scored.build_summary(),
        training=before,
        balanced=after,
        manifest=_describe_manifest(scored.home / MANIFEST),
    )


def _training_counts(folder: Path | None) -> tuple[dict[str, int], dict[str, int]]:
    """Pictures by class before and after balancing, {} for what nobody counted."""
    if folder is None or not folder.is_dir():
        return {}, {}
    trained = VocFolder(folder)
    balanced: Mapping[str, Mapping[str, int]] = trained.balance_record().get("train", {})
    if balanced:
        before, after = (
            {c: n[state] for c, n in balanced.items()} for state in ("before", "after")
        )
        return before, after
    return dict(trained.build_summary().get("written", {}).get("train", {})), {}


def _describe_manifest(path: Path) -> str:
    if not path.is_file():
        return ""
    data = path.read_bytes()
    lines = data.count(b"\n")
    return f"{lines:,} lines, sha256 {hashlib.sha256(data).hexdigest()}"
