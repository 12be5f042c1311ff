"""How far a score would move on another draw of pictures: percentile bootstrap intervals.

Pictures are drawn with replacement from all scored pictures, not class by class: another test set
would not have this one's class counts either, and the interval of the accuracy then answers to the
binomial one. A resample that has lost a class is left out of that class's interval and of the means
over classes. Two limits: pictures of one person are drawn as if they were strangers, and a class
with a handful of faces gets too narrow an interval, [0, 0] or [1, 1] at worst.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from fer_det.evaluation.picture import IntArray

LEVEL = 0.95
RESAMPLES = 2000


def resample_counts(counts: IntArray, resamples: int, seed: int) -> IntArray:
    """Sum counts over pictures drawn with replacement, as many as there are, again and again.

    counts: [P, K] int64, what each picture adds to K cells -> [resamples, K]; the same for the
    same counts (in any order of pictures) and seed.

    Pictures that add the same are one kind, and how often each kind is drawn is multinomial: the
    distribution of drawing P indices, at the cost of a few dozen kinds instead of P pictures.
    """
    pictures, cells = counts.shape
    if pictures == 0:
        return np.zeros((resamples, cells), np.int64)
    kinds, sizes = np.unique(counts, axis=0, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(pictures, sizes / pictures, size=resamples)
    # Whole numbers far below 2**53: exact in float64, whose product is many times faster.
    return np.rint(drawn.astype(np.float64) @ kinds.astype(np.float64)).astype(np.int64)


def percentile_interval(values: NDArray[np.float64], level: float = LEVEL) -> NDArray[np.float64]:
    """[R, ...] -> [2, ...]: the lower and upper end that hold `level` of the resamples.

    NaN is left out; where nothing else is there, both ends are NaN.
    """
    tail = (1 - level) / 2
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        return np.asarray(np.nanquantile(values, [tail, 1 - tail], axis=0))
