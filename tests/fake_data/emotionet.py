"""A tiny EmotioNet: a list of addresses with action units, and the pictures that were fetched."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw

OPTIONS = {"rule": "ekman"}
UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 20, 25, 26)
ACTIVE = ((6, 12, 25), (1, 2, 5, 26), (1, 2, 4, 5, 25), (1, 4, 15), (9,), (), (25,), (12, 6))


def line(number: int, active: tuple[int, ...], unknown: tuple[int, ...] = ()) -> str:
    """A row of the list."""
    values = [999 if unit in unknown else int(unit in active) for unit in UNITS]
    address = f"http://faces.example/Images/N_{number:010d}.jpg"
    original = f"http://elsewhere.example/a,b/{number}.jpg"
    return f"'{address}', '{original}', {', '.join(map(str, values))}\n"


def write(root: Path) -> None:
    """Write a picture for each row of ACTIVE and the list below `root`."""
    header = ", ".join(["'URL'", "'URL orig'", *(f"'AU {unit}'" for unit in UNITS)])
    rows = [line(number, active) for number, active in enumerate(ACTIVE)]
    for number in range(len(ACTIVE)):
        draw(root / "images" / f"N_{number:010d}.jpg", (80, 60), [(20, 10, 60, 55)])
    (root / "list.csv").write_text(f"{header}\n{''.join(rows)}")
