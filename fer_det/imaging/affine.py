"""Affine changes of a picture and of the boxes in it.

A 2x3 matrix acts on FaceBox's coordinates: pixel edges, so that pixel i covers [i, i + 1) and the
picture's centre is (width / 2, height / 2). OpenCV's warp counts pixel centres instead, half a
pixel further: `warp` alone knows that. Angles are in degrees, positive anticlockwise as the eye
sees it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.errors import ImageError

Pixels = NDArray[np.uint8]
Matrix = NDArray[np.float64]

MAX_SIDE = 32_766
"""Pixels; OpenCV's warp counts in 16 bits."""


def rotation_matrix(degrees: float, width: float, height: float) -> Matrix:
    """The 2x3 matrix that turns a picture of that size about its centre."""
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    # y points down, so the eye's anticlockwise is the formula's clockwise.
    linear = np.array([[cosine, sine], [-sine, cosine]])
    centre = np.array([width / 2, height / 2])
    return np.column_stack([linear, centre - linear @ centre])


def compose(second: Matrix, first: Matrix) -> Matrix:
    """The 2x3 matrix that does `first`, then `second`."""
    linear = second[:, :2] @ first[:, :2]
    return np.column_stack([linear, second[:, :2] @ first[:, 2] + second[:, 2]])


def warp(
    pixels: Pixels,
    matrix: Matrix,
    width: int,
    height: int,
    padding: tuple[int, int, int] | None = None,
) -> Pixels:
    """Move [H, W, 3] pixels by a 2x3 matrix into a picture of that size, bilinear.

    What lies outside takes the colour `padding`, or repeats the border where that is None. Raises
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
        borderMode=cv2.BORDER_REPLICATE if padding is None else cv2.BORDER_CONSTANT,
        borderValue=padding or 0,
    ).astype(np.uint8, copy=False)


def turn_boxes(boxes: NDArray[np.floating], matrix: Matrix) -> NDArray[np.float64]:
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


def turn_box(box: FaceBox, matrix: Matrix) -> FaceBox:
    """Move one box as `turn_boxes` does; clip the result to the picture where that matters."""
    return FaceBox(*turn_boxes(np.array([box.as_tuple()]), matrix)[0].tolist())
