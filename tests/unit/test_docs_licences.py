"""docs/licences.md names every package that setup.py asks for."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_package_asked_for_has_its_row() -> None:
    asked = re.findall(r'^ +"([A-Za-z0-9-]+)(?:\[\w+\])?>=', (ROOT / "setup.py").read_text(), re.M)
    asked += re.findall(r'"([a-z0-9]+)>=[\d.]+"', (ROOT / "setup.py").read_text())
    rows = {
        line.split("|")[1].strip(): line.split("|")[4].strip()
        for line in (ROOT / "docs" / "licences.md").read_text().splitlines()
        if line.startswith("|")
    }
    assert len(set(asked)) > 20
    for name in asked:
        assert rows.get(name.lower()), f"run docs/licences.py: {name} has no row"
