"""Everything that a report is made from, collected before anything is drawn."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fer_det.core.sample import names_made_faces
from fer_det.evaluation.predictions import ScoredFace
from fer_det.io.voc import MANIFEST, VocFolder

LoadPicture: TypeAlias = Callable[[str], NDArray[np.uint8]]
"""Image id -> [H, W, 3] RGB."""

_PACKAGES = ("fer_det", "torch", "torchvision", "numpy", "faster-coco-eval")
_CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class DataFacts:
    """What the files of the scored folder and of the training folder record; {} where absent."""

    folder: str
    """Path of the scored VOC folder."""
    built: Mapping[str, Any] = field(default_factory=dict)
    """Its report.json: listed, written and rejected pictures, with reasons."""
    training: Mapping[str, int] = field(default_factory=dict)
    """Training pictures of each class, before balancing."""
    balanced: Mapping[str, int] = field(default_factory=dict)
    """Training pictures of each class, after balancing."""
    manifest: str = ""
    """'2,776 lines, sha256 ...'."""


@dataclass(frozen=True)
class ReportSource:
    """The scores, and what is known about the run and the data they belong to."""

    scores: Mapping[str, Any]
    """As in scores.json."""
    faces: Sequence[ScoredFace]
    weights: str
    """Path of the checkpoint."""
    model: Mapping[str, Any]
    """The model's config as plain values."""
    info: Mapping[str, Any]
    """What the checkpoint records about its training."""
    data: DataFacts
    machine: Mapping[str, str]
    records: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    """Records of log.jsonl in the checkpoint's folder."""
    load: LoadPicture | None = None
    """Loads a picture by its id; None to leave all pictures out."""

    @property
    def primary(self) -> str:
        """Name of the primary rule."""
        return str(self.scores["primary"])

    @property
    def rule(self) -> Mapping[str, Any]:
        """Scores of the primary rule."""
        scores: Mapping[str, Any] = self.scores[self.primary]
        return scores

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The scoring protocol."""
        protocol: Mapping[str, Any] = self.scores["protocol"]
        return protocol

    @property
    def made(self) -> bool:
        """Whether the scores are of made faces."""
        return names_made_faces(self.protocol["dataset"])


def gather_data_facts(folder: Path, trained_on: Path | None) -> DataFacts:
    """Read the records in the scored folder and in the training folder.

    Raises DatasetFormatError for a file that is broken.
    """
    scored = VocFolder(folder)
    before, after = _training_counts(trained_on)
    return DataFacts(
        folder=str(folder),
        built=scored.build_summary(),
        training=before,
        balanced=after,
        manifest=_describe_manifest(scored.home / MANIFEST),
    )


def describe_machine(hardware: str) -> dict[str, str]:
    """Return processor, memory, system and versions by name.

    hardware: device and precision, from Hardware.describe.
    """
    return {
        "device and precision": hardware,
        "processor": _processor(),
        "logical cores": str(os.cpu_count() or "unknown"),
        "memory": _memory(),
        "system": platform.platform(),
        "Python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
    }


def _training_counts(folder: Path | None) -> tuple[dict[str, int], dict[str, int]]:
    """Return pictures of each class before and after balancing; {} where unknown."""
    if folder is None or not folder.is_dir():
        return {}, {}
    trained = VocFolder(folder)
    balanced: Mapping[str, Mapping[str, int]] = trained.balance_record().get("train", {})
    if balanced:
        before, after = (
            {label: counts[state] for label, counts in balanced.items()}
            for state in ("before", "after")
        )
        return before, after
    return dict(trained.build_summary().get("written", {}).get("train", {})), {}


def _describe_manifest(path: Path) -> str:
    if not path.is_file():
        return ""
    data = path.read_bytes()
    lines = data.count(b"\n")
    return f"{lines:,} lines, sha256 {hashlib.sha256(data).hexdigest()}"


def _processor() -> str:
    if _CPU_INFO.is_file():
        for line in _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf.
        return "unknown"
    return f"{size / 2**30:.1f} GiB"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
