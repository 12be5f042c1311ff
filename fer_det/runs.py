"""Where runs are kept, and how a checkpoint is found by its bare name."""

from __future__ import annotations

from pathlib import Path

from fer_det.errors import WeightsNotFoundError

RUNS = Path("runs")


def next_run_folder(kind: str) -> Path:
    """runs/<kind>-001, or the first number that is free."""
    number = 1
    while (folder := RUNS / f"{kind}-{number:03d}").exists():
        number += 1
    return folder


def find_weights(name: Path) -> Path:
    """The file itself, or for a bare name that is not here the one in the newest run.

    Raises WeightsNotFoundError.
    """
    if name.is_file():
        return name
    if name.parent == Path():
        # Compared rather than globbed, since a name may hold a pattern's characters.
        found = [path for path in RUNS.rglob("*") if path.name == name.name and path.is_file()]
        if found:
            return max(found, key=lambda path: path.stat().st_mtime_ns)
    raise WeightsNotFoundError(
        f"{name} is absent" + (f", also below {RUNS}/" if name.parent == Path() else ""),
        "a checkpoint",
        "train one with tools/train_frcnn.py, or name the file with its folder",
    )
