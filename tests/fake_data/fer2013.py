"""A tiny FER2013 as people have it: a table of pixels, or class folders."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from fake_data.faces import draw
from PIL import Image

LISTED = False
NAMES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
USAGES = ("Training",) * 14 + ("PublicTest",) * 7 + ("PrivateTest",) * 7


def pixels_of(number: int) -> list[int]:
    """The 2,304 gray values of a picture, another for each number."""
    values = np.random.default_rng(number).integers(0, 256, 2304)
    return [int(value) for value in values]


def write(
    root: Path, form: Literal["csv", "icml", "competition", "folders", "plain_folders"] = "csv"
) -> None:
    """Write 14 training, 7 public and 7 private faces below `root`; labels go round from 0 to 6."""
    root.mkdir(parents=True, exist_ok=True)
    rows = [(number % 7, usage, number) for number, usage in enumerate(USAGES)]
    if form in ("folders", "plain_folders"):
        for label, usage, number in rows:
            split = "train" if usage == "Training" else "test"
            name = f"{usage}_{number:07d}.png" if form == "folders" else f"im{number}.png"
            draw(root / split / NAMES[label] / name, (48, 48), [(4, 2, 44, 48)])
        return
    cells = {number: " ".join(map(str, pixels_of(number))) for _, _, number in rows}
    if form == "csv":
        lines = [f"{label},{cells[number]},{usage}" for label, usage, number in rows]
        _write(root / "fer2013.csv", "emotion,pixels,Usage", lines)
    elif form == "icml":
        lines = [f"{label}, {usage}, {cells[number]}" for label, usage, number in rows]
        _write(root / "icml_face_data.csv", "emotion, Usage, pixels", lines)
    else:
        lines = [f'{label},"{cells[number]}"' for label, _, number in rows[:14]]
        _write(root / "train.csv", "emotion,pixels", lines)
        _write(root / "test.csv", "pixels", [cells[number] for _, _, number in rows[14:]])


def picture_of(data: bytes) -> list[int]:
    """The gray values of an encoded picture."""
    import io

    with Image.open(io.BytesIO(data)) as image:
        return [int(value) for value in np.asarray(image).ravel()]


def _write(path: Path, header: str, lines: list[str]) -> None:
    path.write_text("\n".join([header, *lines]) + "\n")
