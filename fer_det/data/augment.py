"""Augmentation of a training picture: one affine change, one resampling, one colour change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.config.training import AugmentConfig
from fer_det.core.box import MIN_VISIBLE_PART
from fer_det.imaging.affine import rotation_matrix, turn_boxes
from fer_det.imaging.jitter import JitterDraw, apply_colour, draw_jitter, jitter_generator
from fer_det.imaging.view import View

BOX_NOISE = 0.1
"""Each edge of a box moves by up to this part of the box's side, like a detector's proposal."""


@dataclass(frozen=True)
class Change:
    """What happens to one picture on its way into the model's input."""

    view: View
    jitter: JitterDraw

    @property
    def mirrors(self) -> bool:
        """Whether left and right are exchanged."""
        return bool(np.linalg.det(self.view.matrix[:, :2]) < 0)

    def apply_colour(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """[H, W, 3] -> the same shape."""
        return apply_colour(pixels, self.jitter)

    def apply_boxes(
        self, boxes: NDArray[np.floating[Any]]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Move boxes [N, 4] and clip them to the input -> boxes [M, 4] and their old indices [M].

        Boxes of which less than MIN_VISIBLE_PART is left are dropped.
        """
        moved = turn_boxes(boxes, self.view.matrix)
        clipped = moved.clip(0, self.view.size)
        visible = _areas(clipped) / _areas(moved)
        keep = (visible > MIN_VISIBLE_PART) & (clipped[:, 2:] - clipped[:, :2] >= 1).all(1)
        return clipped[keep].astype(np.float32), np.flatnonzero(keep)


@dataclass(frozen=True)
class Augmentation:
    """Samples changes within the configured ranges."""

    config: AugmentConfig

    def sample(self, seed: int, view: View) -> Change:
        """Return the change of that seed, applied after `view`; a pure function."""
        generator = jitter_generator(seed, "augment", 0)
        jitter = draw_jitter(self.config.jitter, generator)
        flip, scale, shift_x, shift_y = generator.random(4)
        grow = 1 + self.config.scale * (2 * scale - 1)
        mirror = -1.0 if flip < self.config.flip else 1.0
        size = view.size
        centre = np.array([size / 2, size / 2])
        shift = self.config.shift * size * (2 * np.array([shift_x, shift_y]) - 1)
        change = np.array([[mirror * grow, 0.0], [0.0, grow]])
        zoom = np.column_stack([change, centre - change @ centre + shift])
        turn = rotation_matrix(jitter.degrees, size, size)
        return Change(view.then(turn).then(zoom), jitter)


def add_box_noise(
    boxes: NDArray[np.floating[Any]], generator: np.random.Generator
) -> NDArray[np.float64]:
    """Boxes [N, 4], each edge moved by up to BOX_NOISE of the box's side."""
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    return boxes + BOX_NOISE * sides * (2 * generator.random(boxes.shape) - 1)


def _areas(boxes: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(np.maximum(sides[:, 0] * sides[:, 1], 1e-9), np.float64)
