"""Square canvases with nothing on them but one value everywhere."""

from __future__ import annotations

import numpy as np

from made_faces.surface import Canvas


def empty(
    size: int = 32, colour: float = 0.0, alpha: float = 0.0, inverse_depth: float = 0.0
) -> Canvas:
    return Canvas(
        np.full((size, size, 3), colour, np.float32),
        np.full((size, size), alpha, np.float32),
        np.full((size, size), inverse_depth, np.float32),
    )
