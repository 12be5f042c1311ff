"""A tiny Oulu-CASIA: three persons, six expressions, two cameras, two lights, five frames."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw

LISTED = False
WORDS = ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")
FRAMES = 5


def write(root: Path, original: bool = True, cropped: bool = True) -> None:
    """Write whole frames, crops or both below `root`."""
    for camera, light in (("VL", "Strong"), ("VL", "Dark"), ("NI", "Strong")):
        for number in (1, 2, 11):
            for word in WORDS:
                for frame in range(FRAMES):
                    place = f"{light}/P{number:03d}/{word}/{frame:03d}.jpeg"
                    if original:
                        path = root / "B_OriginalImg" / camera / place
                        draw(path, (64, 48), [(20, 6, 44, 40)])
                    if cropped:
                        path = root / "PreProcess_Img" / f"{camera}_Acropped" / place
                        draw(path, (24, 24), [(2, 1, 22, 24)])
