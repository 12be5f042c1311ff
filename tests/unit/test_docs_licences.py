"""docs/licences.md names every package that pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_package_asked_for_has_its_row() -> None:
    extras = PROJECT["optional-dependencies"].values()
    asked = [*PROJECT["dependencies"], *(line for lines in extras for line in lines)]
    rows = {
        line.split("|")[1].strip(): line.split("|")[4].strip()
        for line in (ROOT / "docs" / "licences.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    }
    assert len(set(asked)) > 20
    for requirement in asked:
        name = re.split(r"[\[>=]", requirement)[0]
        assert rows.get(name.lower()), f"run docs/licences.py: {name} has no row"


def test_the_project_s_own_licence() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert "Apache License 2.0" in (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
