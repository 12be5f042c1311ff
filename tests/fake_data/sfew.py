"""A tiny SFEW 2.0: aligned crops and whole stills of films, test without labels."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw

LISTED = False
WORDS = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")


def write(root: Path, aligned: bool = True, original: bool = True) -> None:
    """Write two stills of each class for Train and one for Val below `root`."""
    films = {"Train": ("Airheads", "Juno"), "Val": ("Hangover",)}
    for split, names in films.items():
        for label, word in enumerate(WORDS):
            for film in names:
                name = f"{film}_00{label}519240_00000005.png"
                if aligned:
                    folder = root / split / f"{split}_Aligned_Faces" / word
                    draw(folder / name, (72, 90), [(8, 10, 64, 84)])
                if original:
                    draw(root / split / word / name, (144, 90), [(50, 20, 90, 70)])
    draw(root / "Test" / "Test_Aligned_Faces" / "Secret_000000001_00000005.png", (72, 90), [])
