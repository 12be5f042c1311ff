"""A tiny MMI: sessions of four persons with short videos, one of them without emotion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from fake_data.films import write_film

LISTED = False
FRAMES = 9
LEVELS = tuple(30 + 20 * number for number in range(FRAMES))
"""Gray of each frame."""


def write_session(root: Path, number: int, name: str, emotion: str | None, view: int = 0) -> Path:
    """Write a session's video and descriptions; the right third of each frame is white."""
    folder = root / "Sessions" / str(number)
    folder.mkdir(parents=True)
    frames = [np.full((48, 96, 3), level, np.uint8) for level in LEVELS]
    for frame in frames:
        frame[:, 64:] = 255
    write_film(folder / f"{name}.avi", frames, codec="mpeg4", options={})
    tag = "" if emotion is None else f'<Metatag Name="Emotion" Value="{emotion}"/>'
    (folder / f"{name}.xml").write_text(f"<ActionUnitCoding>{tag}</ActionUnitCoding>")
    session = f'<session><track trackNumber="1" view="{view}"/></session>'
    (folder / "session.xml").write_text(session)
    return folder


def write(root: Path) -> None:
    """Write six sessions of an emotion and one without below `root`."""
    for number, emotion in enumerate("123456", start=1):
        person = f"S{(number + 1) // 2:03d}"
        write_session(root, number, f"{person}-{number:03d}", emotion)
    write_session(root, 12, "S004-001", None)
