"""Looking a value up in a texture for each of many points."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from made_faces.surface import Floats

_ROW = 512
"""Points are looked up as rows of this many: OpenCV takes no map of 32,768 rows or columns."""
_BORDERS = {
    "repeat": cv2.BORDER_WRAP,
    "edge": cv2.BORDER_REPLICATE,
    "zero": cv2.BORDER_CONSTANT,
}


def sample_texture(
    texture: Floats, columns: Floats, rows: Floats, outside: Literal["repeat", "edge", "zero"]
) -> Floats:
    """Interpolate `texture` [H, W] or [H, W, C] between its texels -> [P] or [P, C].

    columns, rows [P]: in texels, 0 the centre of the first. outside: what lies beyond the margins,
    the texture again, its edge drawn out, or nothing.
    """
    count = len(columns)
    if not count:
        return np.zeros((0, *texture.shape[2:]), np.float32)
    maps = np.zeros((2, -(-count // _ROW) * _ROW), np.float32)
    maps[0, :count] = columns
    maps[1, :count] = rows
    column_map, row_map = maps.reshape(2, -1, _ROW)
    border = _BORDERS[outside]
    found = cv2.remap(texture, column_map, row_map, cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(found, np.float32).reshape(-1, *texture.shape[2:])[:count]


def sample_mask(mask: Floats, uv: Floats) -> Floats:
    """Look `uv` [P, 2], v upwards, up in a square mask [N, N] whose first row is v = 1."""
    size = np.float32(len(mask))
    half = np.float32(0.5)
    return sample_texture(mask, uv[:, 0] * size - half, (1 - uv[:, 1]) * size - half, "zero")
