"""A tiny compound part of RAF-DB."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw
from fake_data.rafdb import FACE, FACE_IN_CROP, OTHER_FACE, SIZE


def write(root: Path) -> None:
    """Write 11 training and 3 test pictures below `root`/compound; labels go round from 1 to 11."""
    stems = [f"train_{number:04d}" for number in range(1, 12)]
    stems += [f"test_{number:04d}" for number in range(1, 4)]
    base = root / "compound"
    lines = []
    for number, stem in enumerate(stems):
        draw(base / "Image" / "original" / f"{stem}.jpg", SIZE, [FACE, OTHER_FACE])
        draw(base / "Image" / "aligned" / f"{stem}_aligned.jpg", (100, 100), [FACE_IN_CROP])
        box = base / "Annotation" / "boundingbox" / f"{stem}_boundingbox.txt"
        box.parent.mkdir(parents=True, exist_ok=True)
        box.write_text(" ".join(map(str, FACE)))
        lines.append(f"{stem}.jpg {number % 11 + 1}\n")
    (base / "EmoLabel").mkdir()
    (base / "EmoLabel" / "list_patition_label.txt").write_text("".join(lines))
