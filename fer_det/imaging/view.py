"""View: how a part of a picture is scaled into a square model input, and how boxes come back.

Every part of the program that scales pictures for a model does it here: data loader, predictor,
models and exporters. So a model sees the same pixels in training, in scoring and in use. The golden
vectors in tests/golden/view.json hold what `View.render` returns, for ports to other languages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.imaging import affine
from fer_det.imaging.affine import Matrix

Colour = tuple[float, float, float]
P = TypeVar("P", np.uint8, np.float32)


@dataclass(frozen=True, eq=False)
class View:
    """An affine map from a picture's pixels into a square of `size` pixels."""

    matrix: Matrix
    """[2, 3], from the picture's pixel edges to those of the square; see imaging.affine."""
    size: int
    """Side of the square in pixels."""

    @classmethod
    def whole(cls, width: int, height: int, size: int) -> View:
        """Scale the longer side to `size` and place the picture at the top left (letterbox)."""
        return cls.square(0.0, 0.0, max(width, height), size)

    @classmethod
    def face(cls, box: FaceBox, margin: float, size: int, roll: float = 0.0) -> View:
        """Centre a face's box, with `margin` of its longer side on each side around it.

        The shape of the face is kept; the square may reach beyond the picture. A face that is
        tilted by `roll` degrees, clockwise on the screen, stands upright in the square.
        """
        side = (1 + 2 * margin) * max(box.width, box.height)
        x, y = box.centre
        view = cls.square(x - side / 2, y - side / 2, side, size)
        return view.then(affine.rotation_matrix(roll, size, size)) if roll else view

    @classmethod
    def square(cls, left: float, top: float, side: float, size: int) -> View:
        """Scale the square of the picture that begins at (left, top) and has that side."""
        scale = size / side
        return cls(np.array([[scale, 0.0, -scale * left], [0.0, scale, -scale * top]]), size)

    def then(self, change: Matrix) -> View:
        """Return this view followed by an affine change [2, 3] of the square."""
        return View(affine.compose(change, self.matrix), self.size)

    def render(self, pixels: NDArray[P], padding: Colour, shrink: float = 1.0) -> NDArray[P]:
        """Resample pixels [H, W, 3], uint8 or float32, into [size, size, 3] of the same type.

        The filter: where the picture shrinks to 1/n or less, n a whole number above 1, it is first
        averaged over blocks of n x n pixels (area weights where n does not divide a side); what
        remains is one bilinear resampling. `padding` fills what lies outside the picture, in the
        units of `pixels`. Above 1, `shrink` takes resolution away: the square is rendered smaller
        by that factor and enlarged again, bilinear.
        """
        if shrink > 1:
            small = max(round(self.size / shrink), 1)
            shrunk = View(self.matrix * (small / self.size), small).render(pixels, padding)
            enlarged: Any = cv2.resize(shrunk, (self.size, self.size))
            return enlarged  # type: ignore[no-any-return]
        matrix = self.matrix
        # The small term keeps 5.999... from standing for a picture that shrinks to exactly 1/6.
        reduction = int(1 / np.sqrt(abs(np.linalg.det(matrix[:, :2]))) + 1e-6)
        if reduction > 1:
            height, width = (max(1, side // reduction) for side in pixels.shape[:2])
            # The blocks tile the picture, so they are a little larger where n does not divide it.
            ratio = np.array([pixels.shape[1] / width, pixels.shape[0] / height, 1.0])
            reduced: Any = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
            pixels, matrix = reduced, matrix * ratio
        return affine.warp(pixels, matrix, self.size, self.size, padding)

    def boxes_to_input(self, boxes: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Boxes [N, 4] in the picture -> the same in the square, not clipped."""
        return affine.turn_boxes(boxes, self.matrix).astype(np.float32)

    def boxes_to_picture(
        self, boxes: NDArray[np.floating[Any]], width: int, height: int
    ) -> NDArray[np.float32]:
        """Boxes [N, 4] in the square -> the same in a picture of that size, clipped to it."""
        bounds = np.array([width, height, width, height], np.float32)
        moved = affine.turn_boxes(boxes, affine.invert(self.matrix))
        return moved.astype(np.float32).clip(0, bounds)
