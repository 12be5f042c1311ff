"""Affine changes of a picture and of the boxes in it.

A 2x3 matrix acts on FaceBox's coordinates, which count pixel edges: pixel i covers [i, i + 1) and
the picture's centre is (width / 2, height / 2). OpenCV's warpAffine counts pixel centres, half a
pixel further; only `warp` deals with that. Angles are in degrees, positive anticlockwise on the
screen.
"""

from __future__ import annotations

from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.errors import ImageError

Pixels = NDArray[np.uint8]
Matrix = NDArray[np.float64]

P = TypeVar("P", np.uint8, np.float32)

MAX_SIDE = 32_766
"""Pixels; OpenCV's warpAffine stores coordinates in 16 bits."""


def rotation_matrix(degrees: float, width: float, height: float) -> Matrix:
    """Return the 2x3 matrix that rotates a picture of that size about its centre."""
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    # y points down, so anticlockwise on the screen is clockwise in the formula.
    linear = np.array([[cosine, sine], [-sine, cosine]])
    centre = np.array([width / 2, height / 2])
    return np.column_stack([linear, centre - linear @ centre])


def compose(second: Matrix, first: Matrix) -> Matrix:
    """Return the 2x3 matrix that applies `first`, then `second`."""
    linear = second[:, :2] @ first[:, :2]
    return np.column_stack([linear, second[:, :2] @ first[:, 2] + second[:, 2]])


def invert(matrix: Matrix) -> Matrix:
    """Return the 2x3 matrix that undoes `matrix`; numpy's LinAlgError where there is none."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def warp(
    pixels: NDArray[P],
    matrix: Matrix,
    width: int,
    height: int,
    padding: tuple[float, float, float] | None = None,
) -> NDArray[P]:
    """Resample [H, W, 3] pixels by a 2x3 matrix into a picture of that size, bilinear.

    Pixels are uint8 or float32, and so is the result. What lies outside takes the colour `padding`,
    or repeats the border where that is None. Raises ImageError for a side beyond MAX_SIDE.
    """
    longest = max(*pixels.shape[:2], width, height)
    if longest > MAX_SIDE:
        raise ImageError(
            f"a picture side of {longest:,} pixels",
            f"at most {MAX_SIDE:,} pixels",
            "scale the picture down or leave it out",
        )
    # The centre of pixel i lies at i + 0.5 between edges and at i for OpenCV.
    half = np.array([0.5, 0.5])
    shift = matrix[:, :2] @ half + matrix[:, 2] - half
    warped: Any = cv2.warpAffine(
        pixels,
        np.column_stack([matrix[:, :2], shift]),
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE if padding is None else cv2.BORDER_CONSTANT,
        borderValue=padding or 0,
    )
    return warped  # type: ignore[no-any-return]


def turn_boxes(boxes: NDArray[np.floating], matrix: Matrix) -> NDArray[np.float64]:
    """Move boxes [N, 4] by any 2x3 affine matrix, each as the ellipse inscribed in it.

    A face is round: after a rotation by 15 degrees the usual bounding box of the four corners is
    1.52 times too large, that of the ellipse 1.01 times. Pixels count from 0, max edges exclusive;
    the result may reach beyond the picture. Returns a new array [N, 4] of float64.
    """
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    centres = (corners[:, :2] + corners[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    # x of the ellipse (a cos t, b sin t) after the matrix is a m00 cos t + b m01 sin t; its largest
    # value is the root of the summed squares. The same holds for y.
    halves = np.sqrt(((corners[:, 2:] - corners[:, :2]) / 2) ** 2 @ (matrix[:, :2] ** 2).T)
    return np.concatenate([centres - halves, centres + halves], axis=1)


def turn_box(box: FaceBox, matrix: Matrix) -> FaceBox:
    """Move one box as `turn_boxes` does; the result is not clipped."""
    return FaceBox(*turn_boxes(np.array([box.as_tuple()]), matrix)[0].tolist())
