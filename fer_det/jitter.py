"""Small random changes to a picture of a face: brightness, colour and rotation, the box turned too.

The balancer's files and the jitter on the fly while training both come from here, so that the same
draw means the same picture. Angles are in degrees, positive anticlockwise as the eye sees it.

A 2x3 affine matrix acts on FaceBox's coordinates: pixel i covers [i, i + 1), and a picture's centre
is (width / 2, height / 2). OpenCV's warp calls the centre of pixel i just i, half a pixel less;
`warp` alone knows that.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.box import FaceBox
from fer_det.errors import ConfigError, ImageError

MAX_SIDE = 32_766
"""Pixels; OpenCV's warp counts in 16 bits."""


@dataclass(frozen=True)
class JitterRanges:
    """How far a jittered picture may depart from its source; 0 leaves that property alone."""

    brightness: float = 0.25
    """Largest relative change of brightness: 0.25 draws a factor from 0.75 to 1.25."""
    colour: float = 0.10
    """Largest relative change of each channel on its own, as another lamp would make it."""
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

    A gray picture in three channels comes out tinted, as the lamp's colour would do.
    """
    factors = (1.0 + draw.brightness) * np.asarray(draw.gains)
    levels = np.arange(256)[:, None] * factors
    table = np.rint(levels).clip(0, 255).astype(np.uint8)
    return cv2.LUT(pixels, table[None]).astype(np.uint8, copy=False)


def rotation_matrix(degrees: float, width: float, height: float) -> NDArray[np.float64]:
    """The 2x3 matrix that turns a picture of that size about its centre."""
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    # y points down, so the eye's anticlockwise is the formula's clockwise.
    linear = np.array([[cosine, sine], [-sine, cosine]])
    centre = np.array([width / 2, height / 2])
    return np.column_stack([linear, centre - linear @ centre])


def warp(
    pixels: NDArray[np.uint8], matrix: NDArray[np.float64], width: int, height: int
) -> NDArray[np.uint8]:
    """Move [H, W, 3] pixels by a 2x3 matrix into a picture of that size, bilinear.

    The border is repeated: black corners would mark the classes that are turned most often. Raises
    ImageError for a side beyond MAX_SIDE.
    """
    longest = max(*pixels.shape[:2], width, height)
    if longest > MAX_SIDE:
        raise ImageError(
            f"a picture side of {longest:,} pixels",
            f"at most {MAX_SIDE:,} pixels to turn it",
            "scale the picture down or leave it out",
        )
    # The centre of pixel i lies at i + 0.5 between edges and at i for OpenCV.
    half = np.array([0.5, 0.5])
    shift = matrix[:, :2] @ half + matrix[:, 2] - half
    return cv2.warpAffine(
        pixels,
        np.column_stack([matrix[:, :2], shift]),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.uint8, copy=False)


def apply_rotation(pixels: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    """Turn [H, W, 3] pixels about the centre of a picture that keeps its size."""
    height, width = pixels.shape[:2]
    return warp(pixels, rotation_matrix(degrees, width, height), width, height)


def turn_boxes(boxes: NDArray[np.floating], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move boxes [N, 4] by any 2x3 affine matrix, each as the ellipse that it encloses.

    A face is round: the hull of the four turned corners, the usual answer, is 1.52 times too large
    at 15 degrees, the hull of the turned ellipse 1.01. Pixels from 0, maximal edges exclusive; the
    result may reach beyond the picture. -> a new array [N, 4], float64.
    """
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    centres = (corners[:, :2] + corners[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    # Extent of the ellipse (a cos t, b sin t) along x after the matrix: a m00 cos t + b m01 sin t,
    # whose largest value is the root of the summed squares; along y likewise.
    halves = np.sqrt(((corners[:, 2:] - corners[:, :2]) / 2) ** 2 @ (matrix[:, :2] ** 2).T)
    return np.concatenate([centres - halves, centres + halves], axis=1)


def turn_box(box: FaceBox, matrix: NDArray[np.float64]) -> FaceBox:
    """Move one box as `turn_boxes` does; clip the result to the picture where that matters."""
    return FaceBox(*turn_boxes(np.array([box.as_tuple()]), matrix)[0].tolist())
