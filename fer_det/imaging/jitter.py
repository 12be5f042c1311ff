"""Small random changes to a picture of a face: brightness, colour and rotation, the box turned too.

The balancer's files and the jitter on the fly while training both come from here, so that the same
draw means the same picture.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.errors import ConfigError
from fer_det.imaging.affine import rotation_matrix, warp


@dataclass(frozen=True)
class JitterRanges:
    """How far a jittered picture may depart from its source; 0 leaves that property alone."""

    brightness: float = 0.25
    """Largest relative change of brightness: 0.25 draws a factor from 0.75 to 1.25."""
    colour: float = 0.10
    """Largest relative change of each channel on its own, as another lamp would make it; gray
    pictures stay gray."""
    rotation: float = 15.0
    """Largest turn in degrees, to either side."""

    def __post_init__(self) -> None:
        limits = {"brightness": (0.0, 0.9), "colour": (0.0, 0.9), "rotation": (0.0, 180.0)}
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ConfigError(
                    f"jitter range {name} {value}",
                    f"a number from {least:g} to {most:g}",
                    "0 turns that jitter off",
                )


@dataclass(frozen=True)
class JitterDraw:
    """What happens to one picture."""

    brightness: float
    """Relative change, 0 for none."""
    gains: tuple[float, float, float]
    """Factors of red, green and blue, 1 for none."""
    degrees: float
    """Positive anticlockwise."""


def jitter_generator(seed: int, source: str, copy: int) -> np.random.Generator:
    """The random numbers of that copy of that picture, the same in every process and run."""
    digest = hashlib.sha256(json.dumps([seed, source, copy]).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "big")))


def draw_jitter(ranges: JitterRanges, generator: np.random.Generator) -> JitterDraw:
    """Draw one jitter; it takes five numbers whatever the ranges, so that each stands alone."""
    brightness, red, green, blue, turn = (2.0 * generator.random(5) - 1.0).tolist()
    return JitterDraw(
        brightness=ranges.brightness * brightness,
        gains=(1 + ranges.colour * red, 1 + ranges.colour * green, 1 + ranges.colour * blue),
        degrees=ranges.rotation * turn,
    )


def apply_colour(pixels: NDArray[np.uint8], draw: JitterDraw) -> NDArray[np.uint8]:
    """Change brightness and channel gains of [H, W, 3] uint8 RGB; a new array of the same shape.

    A gray picture in three channels stays gray and takes the mean of the gains: gray photos are
    common, tinted ones are not, so a tint would mark the classes that are copied most often.
    """
    gains = np.asarray(draw.gains)
    if is_gray(pixels):
        gains = np.full(3, gains.mean())
    factors = (1.0 + draw.brightness) * gains
    levels = np.arange(256)[:, None] * factors
    table = np.rint(levels).clip(0, 255).astype(np.uint8)
    return cv2.LUT(pixels, table[None]).astype(np.uint8, copy=False)


def is_gray(pixels: NDArray[np.uint8]) -> bool:
    """Whether the three channels of [H, W, 3] are the same."""
    red, green, blue = (pixels[..., channel] for channel in range(3))
    return np.array_equal(red, green) and np.array_equal(green, blue)


def apply_rotation(pixels: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    """Turn [H, W, 3] pixels about the centre of a picture that keeps its size.

    The border is repeated: black corners would mark the classes that are turned most often.
    """
    height, width = pixels.shape[:2]
    return warp(pixels, rotation_matrix(degrees, width, height), width, height)
