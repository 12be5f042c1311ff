"""A tiny RaFD: two persons, eight expressions, three gazes, three of the five cameras."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw

LISTED = False
WORDS = ("angry", "contemptuous", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")


def write(root: Path) -> None:
    """Write the pictures below `root`, all in one folder."""
    for person in ("01_Caucasian_female", "70_Moroccan_male"):
        for word in WORDS:
            for gaze in ("left", "frontal", "right"):
                for camera in ("090", "045", "180"):
                    draw(
                        root / f"Rafd{camera}_{person}_{word}_{gaze}.jpg",
                        (68, 102),
                        [(14, 30, 54, 80)],
                    )
