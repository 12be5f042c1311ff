"""Record what code asks of the system: files opened, programs started, connections made."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_STARTS = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "subprocess.Popen", "pty.spawn")
_CONNECTS = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "urllib.")
_RUNS = ("os.mkdir", "os.remove", "os.rename", "shutil.")


@dataclass
class Watched:
    """The events of one block."""

    opened: list[Path] = field(default_factory=list)
    """Files, except Python's own modules."""
    started: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    """Folders that were made, and files that were removed or renamed."""

    def opened_outside(self, *roots: Path) -> list[Path]:
        """The opened files that are below none of the folders."""
        inside = [root.resolve() for root in roots]
        return [
            path
            for path in self.opened
            if not any(path.resolve().is_relative_to(root) for root in inside)
        ]


_watching: list[Watched] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if not _watching:
        return
    watched = _watching[-1]
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path = Path(os.fsdecode(arguments[0]))
        if path.suffix not in (".py", ".pyc") and path != Path(os.devnull):
            watched.opened.append(path)
    elif event.startswith(_STARTS):
        watched.started.append(f"{event} {arguments}")
    elif event.startswith(_CONNECTS):
        watched.connected.append(f"{event} {arguments}")
    elif event.startswith(_RUNS):
        watched.changed.append(f"{event} {arguments}")


_hooked = False


@contextmanager
def watching() -> Iterator[Watched]:
    """Record the events of the block. Python keeps the hook, which does nothing afterwards."""
    global _hooked
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked = True
    watched = Watched()
    _watching.append(watched)
    try:
        yield watched
    finally:
        _watching.pop()
