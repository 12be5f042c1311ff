"""Teeth seated behind the lips of whatever shape a person's mouth has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from made_faces.face_model.lips import Lips
from made_faces.surface import Floats, Ints

_SHOWN = np.float32(0.0025)
"""Metres by which the upper front teeth hang below the closed lips' slit; smiles bare them."""
_BITE = np.float32(0.0015)
"""Metres by which the lower front teeth stay below it."""
_DEPTH = np.float32(0.0045)
"""Metres from where the lips touch back to the front teeth."""
_OVERJET = np.float32(0.0015)
"""Metres by which the lower row lies further back than it comes."""
_FRONT = -0.14
"""y in metres on the base head before which teeth are front teeth."""


@dataclass(frozen=True)
class Teeth:
    """Both rows of teeth."""

    upper: Ints
    lower: Ints
    """The rows' vertices."""
    upper_front: Ints
    lower_front: Ints
    """Those among them that smiles bare."""

    def seat(self, points: Floats, lips: Lips) -> None:
        """Move the teeth of `points` [V, 3] in place behind closed lips, as one bite."""
        middle = slice(len(lips.upper) // 2 - 1, len(lips.upper) // 2 + 2)
        _, y, z = np.concatenate([points[lips.upper[middle]], points[lips.lower[middle]]]).mean(0)
        upper, lower = points[self.upper_front], points[self.lower_front]
        back = y + _DEPTH - upper[:, 1].min()
        points[self.upper, 2] += z - _SHOWN - upper[:, 2].min()
        points[self.lower, 2] += z - _BITE - lower[:, 2].max()
        points[self.upper, 1] += back
        points[self.lower, 1] += back + _OVERJET


def find_teeth(template: Floats, upper: Ints, lower: Ints) -> Teeth:
    """Tell the front teeth on the base head from those beside; upper, lower: the rows' vertices."""
    fronts = [row[template[row, 1] < _FRONT] for row in (upper, lower)]
    return Teeth(upper, lower, *fronts)
