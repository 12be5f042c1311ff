"""A tiny MAFW: the eleven expressions, frames for training clips, two folds."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw

LISTED = False
WORDS = (
    "anger",
    "disgust",
    "fear",
    "happiness",
    "neutral",
    "sadness",
    "surprise",
    "contempt",
    "anxiety",
    "helplessness",
    "disappointment",
)
FRAMES = 5


def write(root: Path, frames: bool = True) -> None:
    """Write two clips of each class and the lists of two folds below `root`."""
    for fold in (1, 2):
        folder = root / "Train & Test Set" / "single" / "no_caption" / f"set_{fold}"
        folder.mkdir(parents=True)
        for split, first in (("train", 1), ("test", 101)):
            rows = [f"{first + number:05d}.mp4 {word}\n" for number, word in enumerate(WORDS)]
            (folder / f"{split}.txt").write_text("".join(rows))
    if frames:
        for first in (1, 101):
            for number in range(len(WORDS)):
                for frame in range(1, FRAMES + 1):
                    name = f"{frame:04d}.png"
                    path = root / "data" / "frames" / f"{first + number:05d}" / name
                    draw(path, (64, 48), [(20, 6, 44, 40)])
