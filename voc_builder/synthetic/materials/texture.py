"""Looking a value up in a texture for each of many points."""

from __future__ import annotations

import cv2
import numpy as np

from voc_builder.synthetic.renderer.surface import Floats

_ROW = 512
"""Points are looked up as rows of this many: OpenCV takes no map of 32,768 rows or columns."""


def sample_texture(texture: Floats, columns: Floats, rows: Floats, wrap: bool) -> Floats:
    """Interpolate `texture` [H, W] between its texels.

    columns, rows [P]: in texels, 0 the centre of the first. wrap: whether the texture repeats; if
    not, it is 0 outside. Returns [P].
    """
    count = len(columns)
    padded = -(-count // _ROW) * _ROW
    maps = np.zeros((2, padded), np.float32)
    maps[0, :count] = columns
    maps[1, :count] = rows
    border = cv2.BORDER_WRAP if wrap else cv2.BORDER_CONSTANT
    column_map, row_map = maps.reshape(2, -1, _ROW)
    if not count:
        return np.zeros(0, np.float32)
    found = cv2.remap(texture, column_map, row_map, cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(found, np.float32).ravel()[:count]


def sample_mask(mask: Floats, uv: Floats) -> Floats:
    """Look `uv` [P, 2], v upwards, up in a square mask [N, N] whose first row is v = 1."""
    size = np.float32(len(mask))
    half = np.float32(0.5)
    return sample_texture(mask, uv[:, 0] * size - half, (1 - uv[:, 1]) * size - half, wrap=False)
