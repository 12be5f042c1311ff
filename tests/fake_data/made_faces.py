"""A small folder of made faces: coloured ellipses that their labels and units can be read off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from fake_data.voc_tree import FACE, HEIGHT, WIDTH, drawn_face

from fer_det.imaging.decode import encode_jpeg
from fer_det.io.files import make_folder, write_bytes, write_text

SHADE_STEP = 0.15
"""How much brighter each label is than the one before."""


def describe(number: int, split: str) -> dict[str, Any]:
    """A line of faces.jsonl; the label goes round."""
    label = number % 7 + 1
    strength = 0.2 * (number % 5)
    return {
        "picture": f"{split}_{number:05d}.jpg",
        "split": split,
        "label": label,
        "intensity": strength,
        "units": {"4": strength, "12L": strength / 2} if label != 7 else {},
        "age": 0.3 + 0.01 * number,
        "female": float(number % 2),
        "ancestry": [0.2, 0.3, 0.5],
        "weight": 0.5,
        "yaw": 3.0 * (number % 4),
        "pitch": -2.0,
        "roll": 1.0 * (number % 3),
        "box": list(FACE.as_tuple()),
    }


def write_made_faces(root: Path, train: int, test: int) -> Path:
    """Write a folder with that many faces in each split; the label is the picture's brightness."""
    photos = make_folder(root / "basic" / "Image" / "original")
    lines = []
    for split, count in (("train", train), ("test", test)):
        for number in range(count):
            description = describe(number, split)
            shade = np.float32(0.4 + SHADE_STEP * description["label"])
            pixels = (drawn_face(number, WIDTH, HEIGHT) * shade).clip(0, 255).astype(np.uint8)
            write_bytes(photos / description["picture"], encode_jpeg(pixels))
            lines.append(json.dumps(description))
    write_text(root / "basic" / "faces.jsonl", "\n".join(lines) + "\n")
    return root
