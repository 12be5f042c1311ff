"""How often each picture is seen in an epoch, so that rare classes are seen more often.

The idea of repeat factors is Gupta, Dollar and Girshick's ("LVIS", CVPR 2019, section 4): pictures
of a rare class are repeated by a factor, and its fraction is drawn anew in every epoch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def repeat_factors(labels: Sequence[int], power: float) -> NDArray[np.float64]:
    """How often each picture is wanted: (pictures of the largest class / of its own) ** power.

    power: 1 shows every class equally often, 0.5 goes half of the way on a logarithmic scale, 0
    repeats nothing. labels [N], one a picture, any whole numbers -> [N] float64, each at least 1.
    """
    if not 0.0 <= power <= 1.0:
        raise ValueError(f"power {power} is not within 0..1")
    if len(labels) == 0:
        return np.zeros(0)
    _, class_of_picture, counts = np.unique(
        np.asarray(labels, dtype=np.int64), return_inverse=True, return_counts=True
    )
    by_class: NDArray[np.float64] = (counts.max() / counts) ** power
    return by_class[class_of_picture]


def epoch_indices(factors: NDArray[np.float64], seed: int, epoch: int) -> NDArray[np.int64]:
    """The shuffled picture indices of one epoch, a pure function of its arguments.

    Index i stands floor(factors[i]) times in the list, and once more with the probability of the
    fraction. -> [M] int64, M close to the sum of the factors.
    """
    if not np.all(np.isfinite(factors)) or np.any(factors < 0):
        raise ValueError("repeat factors must be finite and not negative")
    digest = hashlib.sha256(json.dumps(["epoch", seed, epoch]).encode()).digest()
    generator = np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "big")))
    whole = np.floor(factors)
    once_more = generator.random(len(factors)) < factors - whole
    times = whole.astype(np.int64) + once_more
    return generator.permutation(np.repeat(np.arange(len(factors), dtype=np.int64), times))
