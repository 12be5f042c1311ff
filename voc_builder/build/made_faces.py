"""How a tree of made faces is told from a real data set: by the record that lies in its root."""

from __future__ import annotations

from pathlib import Path

from fer_det.core.sample import MADE_RECORD


def is_made(root: Path) -> bool:
    """Whether a data set's folder, or the tree that it is part of, was made by make_faces."""
    resolved = root.resolve()
    return any((folder / MADE_RECORD).is_file() for folder in (resolved, resolved.parent))
