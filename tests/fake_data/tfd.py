"""A tiny TFD: a MATLAB file with the real one's arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

LISTED = False
LABELS = (1, 2, 3, 4, 5, 6, 7) * 3 + (-1,) * 4
"""labs_ex; the last four are not labelled."""


def pixels() -> np.ndarray:
    """The images, uint8 [N, 48, 48]."""
    return np.random.default_rng(0).integers(0, 256, (len(LABELS), 48, 48), dtype=np.uint8)


def write(root: Path, side: int = 48) -> None:
    """Write TFD_<side>x<side>.mat below `root`; 7 faces in each of train, valid and test."""
    from scipy.io import savemat

    count = len(LABELS)
    first = np.array([1] * 7 + [2] * 7 + [3] * 7 + [0] * 4)
    folds = np.stack([first, np.roll(first, 7), first, first, first], axis=1)
    folds[-4:] = 0
    root.mkdir(parents=True, exist_ok=True)
    savemat(
        root / f"TFD_{side}x{side}.mat",
        {
            "images": pixels(),
            "labs_ex": np.array(LABELS, np.int16)[:, None],
            "labs_id": np.array([-1, *range(1, count)], np.int32)[:, None],
            "folds": folds.astype(np.uint8),
        },
    )
