"""Training targets of labelled faces: soft, hard or sampled labels, smoothing, and mixup.

Sampled labels are the probabilistic label drawing of Barsoum et al., "Training deep networks for
facial expression recognition with crowd-sourced label distribution", ICMI 2016; mixup is that of
Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fer_det.imaging.jitter import jitter_generator


@dataclass(frozen=True)
class LabelTargets:
    """How labels become targets; see TrainClassifierConfig."""

    labels: Literal["soft", "hard", "sampled"] = "soft"
    smoothing: float = 0.0
    mixup: float = 0.0

    def apply(self, shares: NDArray[np.float32], label: int, seed: int) -> NDArray[np.float32]:
        """Shares of the votes [C] and the most voted class 1..C -> the target [C]."""
        classes = len(shares)
        if self.labels != "soft":
            chosen = label - 1
            if self.labels == "sampled":
                point = jitter_generator(seed, "label", 0).random() * shares.sum()
                chosen = min(int(np.searchsorted(shares.cumsum(), point, "right")), classes - 1)
            shares = np.eye(classes, dtype=np.float32)[chosen]
        if self.smoothing:
            shares = (1 - self.smoothing) * shares + np.float32(self.smoothing / classes)
        return shares.astype(np.float32, copy=False)

    def partner(self, faces: int, seed: int) -> tuple[int, float] | None:
        """Index of the face to blend with and the own share, 0.5 to 1; None without mixup."""
        if not self.mixup:
            return None
        generator = jitter_generator(seed, "mixup", 0)
        share = generator.beta(self.mixup, self.mixup)
        return int(generator.integers(faces)), float(max(share, 1 - share))
