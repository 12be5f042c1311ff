"""A tiny JAFFE: pictures named as the real ones are."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw

LISTED = False
SUBJECTS = ("KA", "KL", "NM")
CODES = ("AN", "DI", "FE", "HA", "NE", "SA", "SU")


def write(root: Path, suffix: str = ".tiff") -> None:
    """Write seven pictures of each of three women below `root`."""
    number = 1
    for subject in SUBJECTS:
        for code in CODES:
            path = root / "jaffe" / f"{subject}.{code}1.{number}{suffix}"
            draw(path, (64, 64), [(12, 8, 52, 60)])
            number += 1
    (root / "jaffe" / "README").write_text("JAFFE")
