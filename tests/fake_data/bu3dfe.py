"""A tiny BU-3DFE: two persons, six expressions at four levels, and neutral."""

from __future__ import annotations

from pathlib import Path

from fake_data.faces import draw

LISTED = False
CODES = ("AN", "DI", "FE", "HA", "SA", "SU")


def write(root: Path) -> None:
    """Write the pictures below `root`, beside textures and 3D data."""
    for person, kind in (("F0001", "WH"), ("M0002", "AE")):
        names = [f"{code}{level:02d}" for code in CODES for level in range(1, 5)] + ["NE00"]
        for name in names:
            path = root / person / f"{person}_{name}{kind}_F2D.bmp"
            draw(path, (51, 50), [(12, 8, 40, 46)])
            (root / person / f"{person}_{name}{kind}_RAW.wrl").write_text("#VRML")
    draw(root / "F0001" / "F0001_AN01WH_F3D.bmp", (51, 50), [])
