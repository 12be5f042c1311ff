"""Results that others have published on RAF-DB's test split, each with its source.

Their conditions differ from ours and from each other: classifiers are given aligned crops, and how
an epoch was chosen is not always said. docs/protocol.md has the whole table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RAFDB_TEST: Mapping[str, int] = {
    "surprise": 329,
    "fear": 74,
    "disgust": 160,
    "happiness": 1185,
    "sadness": 478,
    "anger": 162,
    "neutral": 680,
}
"""How many faces of each class the basic part's list has in its test split."""


@dataclass(frozen=True)
class Published:
    """One system's figures, 0..1; None where its authors do not give one."""

    system: str
    year: int
    source: str
    accuracy: float | None
    mean_recall: float | None
    recall: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """'DLP-CNN (2017)'."""
        return f"{self.system} ({self.year})"


PUBLISHED = (
    Published(
        "DLP-CNN",
        2017,
        "Li, Deng and Du, CVPR 2017; the data set's own baseline, aligned crops, an SVM on top",
        None,
        0.7420,
        {
            "surprise": 0.8116,
            "fear": 0.6216,
            "disgust": 0.5215,
            "happiness": 0.9283,
            "sadness": 0.8013,
            "anger": 0.7160,
            "neutral": 0.8029,
        },
    ),
    Published("DAN", 2021, "Wen, Lin, Wang and Xu, 2021; aligned crops", 0.8970, 0.8275),
    Published("DDAMFN++", 2023, "Zhang et al., Electronics 2023; aligned crops", 0.9204, 0.8617),
    Published("POSTER++", 2023, "Mao et al., 2023; aligned crops", 0.9221, None),
)


def is_rafdb_test(listed: Mapping[str, int] | None) -> bool:
    """Whether a data set's list has RAF-DB's counts; other data lie about in its layout too."""
    return listed is not None and dict(listed) == dict(RAFDB_TEST)
