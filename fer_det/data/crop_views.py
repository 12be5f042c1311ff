"""The views of a face crop whose probabilities are averaged when a classifier is scored.

Ten crops are those of Krizhevsky, Sutskever and Hinton, NeurIPS 2012: four corners and the centre,
each also mirrored.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from fer_det.config.scoring import CropViews
from fer_det.imaging.affine import Matrix, compose

PART = 0.9
"""Side of each of the ten crops, relative to the whole crop's."""


def crop_views(kind: CropViews, size: int) -> list[Matrix]:
    """Return affine changes [2, 3] of a square of `size` pixels, one for each view."""
    same = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    mirror = np.array([[-1.0, 0.0, size], [0.0, 1.0, 0.0]])
    if kind == "one":
        return [same]
    if kind == "flip":
        return [same, mirror]
    room = size * (1 / PART - 1)
    places = [(room / 2, room / 2), *product((0.0, room), repeat=2)]
    parts = [np.array([[1 / PART, 0.0, -x], [0.0, 1 / PART, -y]]) for x, y in places]
    return [compose(flip, part) for part in parts for flip in (same, mirror)]
