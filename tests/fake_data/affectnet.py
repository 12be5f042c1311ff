"""A tiny AffectNet: the older release with lists and boxes, or the newer one of crops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from fake_data.faces import draw

FACE = (50, 20, 90, 70)
HEADER = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,"
    "valence,arousal"
)
SETS = {"training": "train_set", "validation": "val_set"}
CODES = (*range(11), 0, 1, 2)


def write(root: Path, form: str = "lists", header: bool = True) -> None:
    """Write 14 training and 7 validation pictures below `root`; 8, 9, 10 are no expressions."""
    for split, codes in (("training", CODES), ("validation", range(7))):
        if form == "lists":
            _write_list(root, split, list(codes), header)
        else:
            _write_annotations(root / SETS[split], list(codes))


def _write_list(root: Path, split: str, codes: list[int], header: bool) -> None:
    lines = [HEADER] * header
    left, top, right, bottom = FACE
    for number, code in enumerate(codes):
        place = f"{number % 3}/{split}{number:02d}.jpg"
        draw(root / "Manually_Annotated_Images" / place, (120, 90), [FACE])
        points = ";".join(["1.5"] * 136)
        lines.append(f"{place},{left},{top},{right - left},{bottom - top},{points},{code},0.5,-0.1")
    path = root / "Manually_Annotated_file_lists" / f"{split}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def _write_annotations(folder: Path, codes: list[int]) -> None:
    for number, code in enumerate(codes):
        draw(folder / "images" / f"{number}.jpg", (112, 112), [(10, 8, 102, 108)])
        (folder / "annotations").mkdir(exist_ok=True)
        for name, value in (("exp", str(code)), ("val", "0.5"), ("aro", "0.1")):
            np.save(folder / "annotations" / f"{number}_{name}.npy", np.array(value))
