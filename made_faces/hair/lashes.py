"""The lashes: fine dark hairs that fan out from the lids and fade towards their tips."""

from __future__ import annotations

import numpy as np

from made_faces.curves import smooth_step
from made_faces.face_model.head import Head
from made_faces.face_model.identity import Identity
from made_faces.renderer.camera import Camera
from made_faces.renderer.rasteriser import rasterise
from made_faces.surface import Canvas, Floats

_FINER = 2
"""Lashes are thinner than a pixel, so they are drawn at this many times the size."""
_REACH = 0.004
"""Metres by which lashes may lie behind the lid and still show: they grow out of its edge."""
_COVER = np.float32(0.95)
"""Alpha of the darkest lashes at their roots."""
_ROOT, _TIP = 0.0148, 0.0235
"""Distances from the eyeball's middle at which lashes begin and end on the base head, in metres."""
_LID_CORNERS = 0.7276
"""Height in metres between the upper and the lower lashes."""
_LOWER = np.float32(0.35)
"""Strength of the lower lashes as a part of the upper ones'."""
_HAIRS = np.float32(46)
"""Lashes in half a turn around an eye."""


def draw_lashes(
    canvas: Canvas, head: Head, identity: Identity, points: Floats, camera: Camera
) -> None:
    """Draw the lashes of a head whose posed vertices are `points` [V, 3]."""
    projected = camera.project(points)
    window = canvas.window(projected[np.unique(head.lashes)])
    rows, columns = window
    height, width = rows.stop - rows.start, columns.stop - columns.start
    if not height or not width:
        return
    projected[:, :2] -= columns.start, rows.start
    projected[:, :2] *= _FINER
    found = rasterise(projected, head.lashes, width * _FINER, height * _FINER, cull=False)
    before = np.repeat(np.repeat(canvas.nearness[window], _FINER, axis=0), _FINER, axis=1)
    shown = (found.triangle >= 0) & (found.nearness + _REACH * np.square(found.nearness) > before)
    first, second = found.weights[shown].T
    weights = np.stack([first, second, 1 - first - second], axis=1)
    corners = head.lashes[found.triangle[shown]]
    fine = np.zeros(shown.shape, np.float32)
    fine[shown] = _strength(np.einsum("pci,pc->pi", head.template[corners], weights), head)
    alpha = fine.reshape(height, _FINER, width, _FINER).mean(axis=(1, 3), dtype=np.float32)
    alpha *= _COVER * np.float32(identity.lashes)
    colour = identity.hair * np.float32(0.25)
    under = canvas.colour[window]
    canvas.colour[window] = under * (1 - alpha[..., None]) + colour * alpha[..., None]
    canvas.alpha[window] = canvas.alpha[window] * (1 - alpha) + alpha


def _strength(places: Floats, head: Head) -> Floats:
    """[P] how dark lashes are at places [P, 3] on the base head, 0 to 1."""
    left = head.template[head.eyes[0]].mean(axis=0)
    # The eyes mirror each other.
    offset = np.abs(places) * [1, 0, 0] + places * [0, 1, 1] - left
    away = np.linalg.norm(offset, axis=1).astype(np.float32)
    fade = np.power(1 - smooth_step(_ROOT, _TIP, away), np.float32(0.8))
    turn = np.arctan2(offset[:, 2], offset[:, 0]).astype(np.float32)
    # At the root the hairs meet in a dark line.
    root = 1 - smooth_step(_ROOT + 0.001, _ROOT + 0.004, away)
    hairs = np.maximum(np.float32(0.5) + np.float32(0.5) * np.sin(turn * 2 * _HAIRS), root)
    part = np.where(places[:, 2] < _LID_CORNERS, _LOWER, np.float32(1))
    return np.asarray(fade * hairs * part, np.float32)
