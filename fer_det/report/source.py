"""All that a report is made from, gathered before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fer_det.core.sample import names_made_faces
from fer_det.evaluation.answers import FaceRecord
from fer_det.report.data_facts import DataFacts
from fer_det.report.gallery import Load


@dataclass(frozen=True)
class ReportSource:
    """Scores, and what is known of the run that they are of."""

    scores: Mapping[str, Any]
    """As in scores.json."""
    faces: Sequence[FaceRecord]
    weights: str
    """The checkpoint's path."""
    model: Mapping[str, Any]
    """Its ModelConfig as plain values."""
    info: Mapping[str, Any]
    """What it keeps of its training."""
    data: DataFacts
    machine: Mapping[str, str]
    records: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    """Of log.jsonl beside the checkpoint."""
    load: Load | None = None
    """Gives a picture by its id; None to leave all pictures out."""

    @property
    def rule(self) -> Mapping[str, Any]:
        """The primary rule's scores."""
        scores: Mapping[str, Any] = self.scores[self.primary]
        return scores

    @property
    def primary(self) -> str:
        """Its name."""
        return str(self.scores["primary"])

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The conditions of the evaluation."""
        protocol: Mapping[str, Any] = self.scores["protocol"]
        return protocol

    @property
    def made(self) -> bool:
        """Whether the scores are of made faces."""
        return names_made_faces(self.protocol["dataset"])
