"""A tiny KDEF: two actors, seven expressions, two sessions, five angles."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw

LISTED = False
CODES = ("AF", "AN", "DI", "HA", "NE", "SA", "SU")
ANGLES = ("FL", "FR", "HL", "HR", "S")


def write(root: Path) -> None:
    """Write the pictures below `root`, a folder for each actor and session."""
    for session in "AB":
        for actor in ("F01", "M02"):
            for code in CODES:
                for angle in ANGLES:
                    name = f"{session}{actor}{code}{angle}"
                    path = root / "KDEF" / f"{session}{actor}" / f"{name}.jpg"
                    draw(path, (56, 76), [(10, 20, 46, 66)])
