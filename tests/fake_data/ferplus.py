"""A tiny FERPlus: FER2013's table beside the table of votes, or the authors' folders."""

from __future__ import annotations

from pathlib import Path

from fake_data import fer2013
from fake_data.faces import draw

LISTED = False
HEADER = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
)
FOLDERS = {"Training": "FER2013Train", "PublicTest": "FER2013Valid", "PrivateTest": "FER2013Test"}
VOTES = {
    0: "6,1,0,1,2,0,0,0,0,0",
    1: "0,10,0,0,0,0,0,0,0,0",
    2: "0,0,4,0,0,0,6,0,0,0",
    3: "0,0,0,0,0,0,0,9,1,0",
    4: "2,0,0,2,2,2,2,0,0,0",
    5: "0,0,0,0,0,0,0,0,2,8",
    6: None,
}
"""By the row's number modulo 7; None: discarded, without a name."""


def votes_of(number: int) -> tuple[str, str]:
    """(name, counts) of a row."""
    votes = VOTES[number % 7]
    return (f"fer{number:07d}.png", votes) if votes else ("", "0,0,0,0,0,0,0,0,0,10")


def write(root: Path, form: str = "csv") -> None:
    """Write the votes for the faces of the fake FER2013, with its table or with pictures."""
    rows = [(usage, *votes_of(number)) for number, usage in enumerate(fer2013.USAGES)]
    root.mkdir(parents=True, exist_ok=True)
    if form == "csv":
        fer2013.write(root)
        lines = [",".join(row) for row in rows]
        (root / "fer2013new.csv").write_text("\n".join([HEADER, *lines]) + "\n")
        return
    for usage, folder in FOLDERS.items():
        named = [(name, votes) for each, name, votes in rows if each == usage and name]
        for name, _ in named:
            draw(root / "data" / folder / name, (48, 48), [(4, 2, 44, 48)])
        lines = [f'{name},"(0, 0, 48, 48)",{votes}' for name, votes in named]
        (root / "data" / folder / "label.csv").write_text("\n".join(lines) + "\n")
