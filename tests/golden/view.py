"""Writes tests/golden/view.json: what View gives for small pictures that a formula describes.

    python tests/golden/view.py

Ports of View to other languages are tested on the same file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_det.core.box import FaceBox
from fer_det.imaging.view import View

PATH = Path(__file__).with_name("view.json")
SIZE = 12
PADDING = (129, 105, 94)
TOLERANCE = 2
"""Gray levels: OpenCV's bilinear weights are multiples of 1/32."""

FORMULA = "128 + 90 * sin(0.21 x + c) + 37 * cos(0.33 y - 0.7 c), rounded; c = 0, 1, 2 for R, G, B"


def picture(width: int, height: int) -> NDArray[np.uint8]:
    """[height, width, 3] uint8 by FORMULA."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return np.rint(128 + 90 * np.sin(0.21 * x + c) + 37 * np.cos(0.33 * y - 0.7 * c)).astype(
        np.uint8
    )


def cases() -> list[tuple[str, int, int, View]]:
    """Name, width and height of the picture, view."""
    face = FaceBox(20.5, 14.25, 41.0, 40.0)
    return [
        ("whole, enlarged", 7, 5, View.whole(7, 5, SIZE)),
        ("whole, same size", 12, 12, View.whole(12, 12, SIZE)),
        ("whole, shrunk by 1.5", 18, 11, View.whole(18, 11, SIZE)),
        ("whole, shrunk by 3", 36, 24, View.whole(36, 24, SIZE)),
        ("whole, shrunk by 5.25", 40, 63, View.whole(40, 63, SIZE)),
        ("face with margin", 64, 48, View.face(face, 0.2, SIZE)),
        ("face beyond the edge", 64, 48, View.face(FaceBox(-6, 30, 18, 55), 0.1, SIZE)),
        ("face, rotated", 64, 48, View.face(face, 0.3, SIZE, roll=20)),
    ]


def vectors() -> dict[str, Any]:
    """All that the file holds."""
    rows = []
    for name, width, height, view in cases():
        boxes = np.array([[1.5, 2.0, width - 1.0, height - 1.25]], np.float32)
        moved = view.boxes_to_input(boxes)
        rows.append(
            {
                "name": name,
                "width": width,
                "height": height,
                "matrix": view.matrix.tolist(),
                "pixels": view.render(picture(width, height), PADDING).tolist(),
                "boxes": boxes.tolist(),
                "boxes_in_input": moved.tolist(),
                "boxes_back": view.boxes_to_picture(moved, width, height).tolist(),
            }
        )
    return {
        "formula": FORMULA,
        "size": SIZE,
        "padding": list(PADDING),
        "tolerance": TOLERANCE,
        "cases": rows,
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(vectors(), separators=(",", ":")) + "\n", encoding="utf-8")
    sys.exit()
