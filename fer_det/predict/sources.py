"""What a user names, sorted into pictures, videos, cameras and what is not there."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fer_det.config.predict import PICTURE_SUFFIXES, VIDEO_SUFFIXES

STANDARD_INPUT = "-"
_HIDDEN = "."


@dataclass(frozen=True)
class SourceFile:
    """A picture or video to look at."""

    path: Path
    home: Path
    """The folder that was named, or the one in which the named file lies."""


@dataclass(frozen=True)
class Failure:
    """Something named that could not be looked at."""

    source: str
    reason: str
    """A whole sentence that names the source."""


@dataclass
class Sources:
    """All that was named, each file once, in the order of naming; folders in that of names."""

    pictures: list[SourceFile] = field(default_factory=list)
    videos: list[SourceFile] = field(default_factory=list)
    cameras: list[int] = field(default_factory=list)
    absent: list[Failure] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    """What lay in folders and is neither picture nor video, by suffix."""
    repeated: int = 0
    """Files that were named again."""
    _seen: set[str] = field(default_factory=set)

    def add_file(self, path: Path, home: Path) -> None:
        """Take a file, as a video by its suffix and as a picture otherwise, unless it is known."""
        place = os.path.realpath(path)
        if place in self._seen:
            self.repeated += 1
            return
        self._seen.add(place)
        kind = self.videos if path.suffix.lower() in VIDEO_SUFFIXES else self.pictures
        kind.append(SourceFile(path, home))

    def add_folder(self, folder: Path, leave_out: Path | None) -> None:
        """Take all pictures and videos below a folder, but for the folder `leave_out`."""
        for path in _walk(folder, leave_out, self._note_unreadable):
            if path.suffix.lower() in PICTURE_SUFFIXES | VIDEO_SUFFIXES:
                self.add_file(path, folder)
            else:
                self.passed_over[path.suffix.lower() or "no suffix"] += 1

    def add_camera(self, index: int) -> None:
        """Take the camera of that number, unless it is known."""
        if index in self.cameras:
            self.repeated += 1
        else:
            self.cameras.append(index)

    def add_absent(self, source: str, reason: str) -> None:
        """Note something that is not there."""
        self.absent.append(Failure(source, reason))

    def _note_unreadable(self, error: OSError) -> None:
        self.add_absent(str(error.filename), f"{error.filename}: {error.strerror or error}")


def find_sources(
    named: Sequence[str], standard_input: Callable[[], Iterable[bytes]], leave_out: Path | None
) -> Sources:
    """Look up each word of the command line.

    standard_input: gives its lines, each a path, when it is asked for; leave_out: where we write.
    """
    sources = Sources()
    for word in named:
        if word == STANDARD_INPUT:
            for line in standard_input():
                if path := os.fsdecode(line).rstrip("\r\n"):
                    _add_path(sources, path, leave_out)
        elif word.isdecimal() and not os.path.lexists(word):
            sources.add_camera(int(word))
        elif glob.has_magic(word) and not os.path.lexists(word):
            _add_pattern(sources, word, leave_out)
        else:
            _add_path(sources, word, leave_out)
    return sources


def _add_path(sources: Sources, name: str, leave_out: Path | None) -> None:
    path = Path(name)
    if path.is_dir():
        sources.add_folder(path, leave_out)
    elif path.is_file():
        sources.add_file(path, path.parent)
    elif path.exists():
        reason = f"{name} is neither file nor folder; a camera is named by its number"
        sources.add_absent(name, reason)
    else:
        sources.add_absent(name, f"{name} is absent")


def _add_pattern(sources: Sources, pattern: str, leave_out: Path | None) -> None:
    # Path's own glob refuses patterns that begin at the root.
    names = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207
    if not names:
        sources.add_absent(pattern, f"{pattern} matches no file")
    # Names are laid out from the part of the pattern that is a plain folder.
    plain = Path(*_until_magic(Path(pattern).parts[:-1]))
    for name in names:
        path = Path(name)
        if path.is_dir():
            sources.add_folder(path, leave_out)
        else:
            sources.add_file(path, plain)


def _until_magic(parts: Iterable[str]) -> Iterator[str]:
    for part in parts:
        if glob.has_magic(part):
            return
        yield part


def _walk(
    folder: Path, leave_out: Path | None, on_error: Callable[[OSError], None]
) -> Iterator[Path]:
    """Files below a folder, by name; hidden ones and links to folders are left alone."""
    barred = None if leave_out is None else os.path.realpath(leave_out)
    for place, folders, files in os.walk(folder, onerror=on_error):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(_HIDDEN) and os.path.realpath(Path(place, name)) != barred
        )
        for name in sorted(files):
            if not name.startswith(_HIDDEN):
                yield Path(place, name)
