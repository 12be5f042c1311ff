"""A tiny Multi-PIE: two persons in four sessions, two cameras, two flashes."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw

LISTED = False
RECORDINGS = (
    ("01", "01"), ("01", "02"), ("02", "01"), ("02", "02"), ("02", "03"), ("03", "01"),
    ("03", "02"), ("03", "03"), ("04", "01"), ("04", "02"), ("04", "03"),
)  # fmt: skip


def write(root: Path) -> None:
    """Write the pictures below `root` in the real one's folders."""
    for person in ("001", "038"):
        for session, recording in RECORDINGS:
            for folder, camera in (("05_1", "051"), ("19_0", "190")):
                for flash in ("05", "07"):
                    name = f"{person}_{session}_{recording}_{camera}_{flash}.png"
                    place = f"session{session}/png/{person}/{recording}/{folder}/{name}"
                    draw(root / place, (64, 48), [(20, 6, 44, 40)])
