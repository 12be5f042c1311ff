"""Augmentation of a training picture: one affine change, one resampling, changes of the pixels.

Random erasing is that of Zhong et al., "Random erasing data augmentation", AAAI 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.config.training import AugmentConfig
from fer_det.core.box import MIN_VISIBLE_PART
from fer_det.imaging.affine import rotation_matrix, turn_boxes
from fer_det.imaging.jitter import JitterDraw, apply_colour, draw_jitter, jitter_generator
from fer_det.imaging.view import View

ERASED_AREA = (0.02, 0.2)
"""Least and largest part of the input that is erased."""
ERASED_SHAPE = 3.0
"""Largest ratio of the erased rectangle's sides."""

BOX_NOISE = 0.1
"""Each edge of a box moves by up to this part of the box's side, like a detector's proposal."""


@dataclass(frozen=True)
class Change:
    """What happens to one picture on its way into the model's input."""

    view: View
    jitter: JitterDraw
    shrink: float = 1.0
    """Factor by which the input first loses resolution; 1 for none."""
    gray: bool = False
    """Whether the colours are taken away."""
    erased: tuple[int, int, int, int] | None = None
    """Left, top, right and bottom of the part of the input that noise replaces."""
    noise_seed: int = 0

    @property
    def mirrors(self) -> bool:
        """Whether left and right are exchanged."""
        return bool(np.linalg.det(self.view.matrix[:, :2]) < 0)

    def apply_colour(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """[H, W, 3] -> the same shape."""
        return apply_colour(pixels, self.jitter)

    def render(self, pixels: NDArray[np.uint8], padding: tuple[int, int, int]) -> NDArray[np.uint8]:
        """Picture [H, W, 3] -> the changed input [size, size, 3]."""
        # The colour changes first, because padding is no part of the picture.
        pixels = self.apply_colour(pixels)
        result = self.view.render(pixels, padding, self.shrink)
        if self.gray:
            result = np.repeat(cv2.cvtColor(result, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
        if self.erased is not None:
            left, top, right, bottom = self.erased
            noise = np.random.Generator(np.random.Philox(self.noise_seed))
            part = (bottom - top, right - left, 3)
            result[top:bottom, left:right] = noise.integers(0, 256, part, np.uint8)
        return result

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
        pixels = jitter_generator(seed, "pixels", 0)
        gray, shrinks, factor, erases = pixels.random(4)
        # Factors between 1 and the largest are equally frequent on a logarithmic scale.
        return Change(
            view=view.then(turn).then(zoom),
            jitter=jitter,
            shrink=self.config.shrink**factor if shrinks < 0.5 else 1.0,
            gray=gray < self.config.gray,
            erased=_rectangle(size, pixels) if erases < self.config.erase else None,
            noise_seed=seed,
        )


def add_box_noise(
    boxes: NDArray[np.floating[Any]], generator: np.random.Generator
) -> NDArray[np.float64]:
    """Boxes [N, 4], each edge moved by up to BOX_NOISE of the box's side."""
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    return boxes + BOX_NOISE * sides * (2 * generator.random(boxes.shape) - 1)


def _rectangle(size: int, generator: np.random.Generator) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a random rectangle in a square of that size."""
    area, shape, x, y = generator.random(4)
    side = size * np.sqrt(ERASED_AREA[0] + area * (ERASED_AREA[1] - ERASED_AREA[0]))
    stretch = ERASED_SHAPE ** (shape - 0.5)
    width, height = (min(max(round(s), 1), size) for s in (side * stretch, side / stretch))
    left, top = int(x * (size - width + 1)), int(y * (size - height + 1))
    return left, top, left + width, top + height


def _areas(boxes: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(np.maximum(sides[:, 0] * sides[:, 1], 1e-9), np.float64)
