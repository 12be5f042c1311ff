"""Any picture into the detector's square input, and boxes there and back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.imaging import affine
from fer_det.imaging.affine import Matrix, Pixels

Boxes = NDArray[np.float32]


@dataclass(frozen=True)
class Letterbox:
    """How a picture of width x height pixels sits in a square of `size`: scaled, top left."""

    width: int
    height: int
    size: int

    @property
    def scale(self) -> float:
        """Input pixels for one of the picture's."""
        return self.size / max(self.width, self.height)

    def matrix(self) -> Matrix:
        """[2, 3] affine map from the picture's edges to the input's."""
        return np.array([[self.scale, 0.0, 0.0], [0.0, self.scale, 0.0]])

    def boxes_to_picture(self, boxes: Boxes) -> Boxes:
        """[N, 4] boxes in the input -> the same in the picture, clipped to it."""
        bounds = np.array([self.width, self.height, self.width, self.height], np.float32)
        return (boxes / np.float32(self.scale)).clip(0, bounds)


def warp(pixels: Pixels, matrix: Matrix, size: int, padding: tuple[int, int, int]) -> Pixels:
    """Resample [H, W, 3] once through `matrix` (edges to edges) into [size, size, 3].

    Where the picture shrinks to half or less it is first averaged over whole blocks of pixels,
    since the bilinear kernel would skip the pixels in between. `padding` fills what lies outside.
    """
    # Rounding must not make 5.999... of a picture that shrinks to exactly a sixth.
    reduction = int(1 / np.sqrt(abs(np.linalg.det(matrix[:, :2]))) + 1e-6)
    if reduction > 1:
        height, width = (max(1, side // reduction) for side in pixels.shape[:2])
        # The blocks must tile the picture, so the last few rows and columns take part by area.
        ratio = np.array([pixels.shape[1] / width, pixels.shape[0] / height, 1.0])
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
        matrix = matrix * ratio
    return affine.warp(pixels, matrix, size, size, padding)
