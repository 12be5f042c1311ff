"""One thing that a check found, as one line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from fer_det.errors import FerDetError


@dataclass(frozen=True)
class Finding:
    """What is wrong, and with which file."""

    place: str
    """The file, from the folder that is checked."""
    said: str
    refuses: bool = True
    """Whether the folder cannot be used as it is; otherwise it is for a person to judge."""

    def as_warning(self) -> Finding:
        """The same, for a person to judge."""
        return replace(self, refuses=False)

    def __str__(self) -> str:
        kind = "refused" if self.refuses else "warning"
        return " ".join(f"{kind}: {self.place}: {self.said}".split())


def finding_of(error: FerDetError, path: Path, root: Path) -> Finding:
    """What a reader says of a file below `root`, without the folder's own place."""
    said = error.found.removeprefix(str(path)).lstrip(": ")
    return Finding(place_of(path, root), said.replace(f"{root}/", ""))


def place_of(path: Path, root: Path) -> str:
    """`path` from `root`, with slashes."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
