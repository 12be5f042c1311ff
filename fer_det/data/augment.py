"""How a training picture is varied: one affine change, one resampling, one colour change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_det.config.training import AugmentConfig
from fer_det.imaging.affine import compose, rotation_matrix, turn_boxes
from fer_det.imaging.jitter import JitterDraw, apply_colour, draw_jitter, jitter_generator

VISIBLE_PART = 0.3
"""A face of which less is left in the input is forgotten."""


@dataclass(frozen=True)
class Change:
    """What happens to one picture on its way into the detector's input."""

    matrix: NDArray[np.float64]
    """[2, 3] affine from the picture's pixel edges to the input's."""
    jitter: JitterDraw

    @property
    def mirrors(self) -> bool:
        """Whether left and right change places."""
        return bool(np.linalg.det(self.matrix[:, :2]) < 0)

    def apply_colour(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """[H, W, 3] -> the same shape."""
        return apply_colour(pixels, self.jitter)

    def apply_boxes(
        self, boxes: NDArray[np.float32], labels: NDArray[np.int64], size: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Boxes [N, 4] moved and clipped to the input; those that left it are dropped."""
        moved = turn_boxes(boxes, self.matrix)
        clipped = moved.clip(0, size)
        visible = _areas(clipped) / _areas(moved)
        keep = (visible > VISIBLE_PART) & (clipped[:, 2:] - clipped[:, :2] >= 1).all(1)
        return clipped[keep].astype(np.float32), labels[keep]


@dataclass(frozen=True)
class Augmentation:
    """Draws changes within the configured ranges."""

    config: AugmentConfig

    def draw(self, seed: int, letterbox: NDArray[np.float64], size: int) -> Change:
        """The change of that seed, on top of the plain letterbox [2, 3]; a pure function."""
        generator = jitter_generator(seed, "augment", 0)
        jitter = draw_jitter(self.config.jitter, generator)
        flip, scale, shift_x, shift_y = generator.random(4)
        grow = 1 + self.config.scale * (2 * scale - 1)
        mirror = -1.0 if flip < self.config.flip else 1.0
        centre = size / 2
        shift = self.config.shift * size * (2 * np.array([shift_x, shift_y]) - 1)
        change = np.array([[mirror * grow, 0.0], [0.0, grow]])
        zoom = np.column_stack([change, centre - change @ [centre, centre] + shift])
        turn = rotation_matrix(jitter.degrees, size, size)
        return Change(compose(zoom, compose(turn, letterbox)), jitter)


def _areas(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(np.maximum(sides[:, 0] * sides[:, 1], 1e-9), np.float64)
