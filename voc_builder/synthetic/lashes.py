"""The lashes: dark strokes over the eyes, softer than a pixel."""

from __future__ import annotations

import numpy as np

from voc_builder.synthetic.camera import Camera
from voc_builder.synthetic.head import Head
from voc_builder.synthetic.identity import Identity
from voc_builder.synthetic.rasteriser import nearness_map
from voc_builder.synthetic.surface import Canvas, Floats

_FINER = 2
"""The strips are thinner than a pixel, so they are drawn at this many times the size."""
_REACH = 0.004
"""Metres by which lashes may lie behind the lid and still show: they grow out of its edge."""
_COVER = 0.8
"""Alpha of the darkest lashes."""


def draw_lashes(
    canvas: Canvas, head: Head, identity: Identity, points: Floats, camera: Camera
) -> None:
    """Draw the lashes of a head whose posed vertices are `points` [V, 3]."""
    height, width = canvas.alpha.shape
    projected = camera.project(points)
    projected[:, :2] *= _FINER
    fine = nearness_map(projected, head.lashes, width * _FINER, height * _FINER)
    nearness = fine.reshape(height, _FINER, width, _FINER)
    before = canvas.nearness[:, None, :, None]
    shown = (nearness > 0) & (nearness + _REACH * np.square(nearness) > before)
    alpha = shown.mean(axis=(1, 3), dtype=np.float32)
    alpha *= np.float32(_COVER * identity.lashes)
    colour = identity.hair * np.float32(0.25)
    canvas.colour[:] = canvas.colour * (1 - alpha[..., None]) + colour * alpha[..., None]
    canvas.alpha[:] = canvas.alpha * (1 - alpha) + alpha
