"""A tiny AFEW: clips in class folders, and the aligned faces of their frames."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw

LISTED = False
WORDS = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")
FRAMES = 11


def write(root: Path) -> None:
    """Write a clip of each class for train and for val below `root`; one lacks its frames."""
    for split in ("Train", "Val"):
        base = root / f"{split}_AFEW"
        for number, word in enumerate(WORDS):
            name = f"0{len(split)}{number}046280"
            (base / word).mkdir(parents=True, exist_ok=True)
            (base / word / f"{name}.avi").write_bytes(b"RIFF")
            if (split, word) == ("Val", "Fear"):
                continue
            folder = base / "AlignedFaces_LBPTOP_Points" / "Faces" / name
            for frame in range(1, FRAMES + 1):
                # As in the real one, without zeros before.
                draw(folder / f"{frame}.jpg", (32, 36), [(4, 4, 28, 34)])
