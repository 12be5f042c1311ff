"""A tiny ExpW: photos with one or two labelled faces, some rows twice."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw

FACES = ((50.0, 20.0, 90.0, 70.0), (5.0, 30.0, 35.0, 65.0))
PICTURES = 7


def line(number: int, face: int, label: int, confidence: float = 61.25) -> str:
    """A row of the list: name, face, top, left, right, bottom, confidence, label."""
    left, top, right, bottom = (round(edge) for edge in FACES[face])
    return f"scene_{number}.jpg {face} {top} {left} {right} {bottom} {confidence} {label}\n"


def write(root: Path) -> None:
    """Write the photos and the list below `root`; every second photo has two labelled faces."""
    lines = []
    for number in range(PICTURES):
        draw(root / "image" / "origin" / f"scene_{number}.jpg", (120, 90), FACES)
        lines.append(line(number, 0, number % 7))
        if number % 2:
            lines.append(line(number, 1, (number + 3) % 7, confidence=20.5))
    # The list repeats some of its rows.
    lines.append(lines[0])
    (root / "label.lst").write_text("".join(lines))
