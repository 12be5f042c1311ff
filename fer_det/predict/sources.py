"""Sort what a user names into pictures, videos and cameras, by the content of the files."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fer_det.config.predict import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from fer_det.errors import DatasetNotFoundError, ImageError
from fer_det.imaging.decode import HEAD_BYTES, picture_format
from fer_det.io.remote import RemoteFile, demand_protocol, is_address, list_folder

STANDARD_INPUT = "-"
LIST_SUFFIX = ".txt"
"""Of a named file that holds a path or an address in each line."""

_HIDDEN = "."
_CAMERA = re.compile(r"(?:/dev/video)?(\d+)")
_AUDIO_SUFFIXES = frozenset((".aac", ".m4a", ".mka", ".mp3", ".oga", ".ogg", ".weba", ".wma"))
_AUDIO_BRANDS = (b"M4A ", b"M4B ", b"M4P ")
_VIDEO = re.compile(
    rb"\x1a\x45\xdf\xa3"  # Matroska, WebM
    rb"|RIFF....AVI "
    rb"|FLV\x01"
    rb"|OggS"
    rb"|\x30\x26\xb2\x75\x8e\x66\xcf\x11"  # ASF, WMV
    rb"|\0\0\x01[\xb3\xba]"  # MPEG-1 and MPEG-2, also VOB
    rb"|\x47.{187}\x47.{187}\x47"  # MPEG transport stream
    rb"|.{4}\x47.{191}\x47"  # the same with time stamps: M2TS, MTS
    rb"|.{4}(?:ftyp|moov|mdat|wide|skip|pnot)"  # MP4, QuickTime, 3GP
    rb"|\x06\x0e\x2b\x34\x02\x05\x01\x01"  # MXF
    rb"|YUV4MPEG2 "
    rb"|\.RMF\0"
    rb"|DKIF\0\0",  # IVF
    re.DOTALL,
)
"""Beginnings of video files, each from its container's specification."""


@dataclass(frozen=True)
class SourceFile:
    """A picture or video that was named, or found in a folder that was named."""

    path: Path | RemoteFile
    home: Path
    """The folder that was named, or the one that holds the named file; of a remote file, its host
    or bucket and folder."""


@dataclass(frozen=True)
class Failure:
    """A source that could not be read, or an output that could not be written."""

    source: str
    reason: str
    """One sentence that names the file."""


@dataclass
class Sources:
    """All sources, each file once, in the order of the command line; folders in order of names."""

    pictures: list[SourceFile] = field(default_factory=list)
    videos: list[SourceFile] = field(default_factory=list)
    cameras: list[int] = field(default_factory=list)
    absent: list[Failure] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    """Files in folders that are neither picture nor video, by suffix."""
    repeated: int = 0
    """Files that were named again."""
    _seen: set[str] = field(default_factory=set)

    def add_file(self, path: Path, home: Path, kind: Literal["picture", "video"]) -> None:
        """Add a file unless it is known."""
        place = os.path.realpath(path)
        if place in self._seen:
            self.repeated += 1
            return
        self._seen.add(place)
        files = self.videos if kind == "video" else self.pictures
        files.append(SourceFile(path, home))

    def add_folder(self, folder: Path, leave_out: Path | None) -> None:
        """Add all pictures and videos below a folder, except those in the folder `leave_out`."""
        for path in _walk(folder, leave_out, self._note_unreadable):
            kind = file_kind(path)
            if kind is None:
                self.ignored[path.suffix.lower() or "no suffix"] += 1
            else:
                self.add_file(path, folder, kind)

    def add_address(self, address: str) -> None:
        """Add the picture of an address; of one that ends with a slash, all pictures below.

        A folder's files are known by their suffixes, as none is opened. Raises ConfigError where a
        package is absent.
        """
        is_folder = address.endswith("/")
        home = RemoteFile(address).parts
        try:
            if is_folder:
                files = list(list_folder(address))
            else:
                demand_protocol(address)
                files, home = [RemoteFile(address)], home.parent
        except (DatasetNotFoundError, ImageError) as error:
            self.add_absent(address, error.found)
            return
        for file in files:
            suffix = file.parts.suffix.lower()
            if suffix in VIDEO_SUFFIXES:
                self.add_absent(str(file), f"{file} is a video; download or record it first")
            elif is_folder and suffix not in PICTURE_SUFFIXES:
                self.ignored[suffix or "no suffix"] += 1
            elif str(file) in self._seen:
                self.repeated += 1
            else:
                self._seen.add(str(file))
                self.pictures.append(SourceFile(file, Path(home)))

    def add_camera(self, index: int) -> None:
        """Add the camera of that number unless it is known."""
        if index in self.cameras:
            self.repeated += 1
        else:
            self.cameras.append(index)

    def add_absent(self, source: str, reason: str) -> None:
        """Note a source that is not there."""
        self.absent.append(Failure(source, reason))

    def _note_unreadable(self, error: OSError) -> None:
        self.add_absent(str(error.filename), f"{error.filename}: {error.strerror or error}")


def find_sources(
    named: Sequence[str], standard_input: Callable[[], Iterable[bytes]], leave_out: Path | None
) -> Sources:
    """Look up each word of the command line.

    standard_input: called for "-", gives lines with a path or an address each, as a named file of
    LIST_SUFFIX does; leave_out: the output folder. Raises ConfigError for an address whose package
    is not installed.
    """
    sources = Sources()
    for word in named:
        exists = os.path.lexists(word)
        if word == STANDARD_INPUT:
            _add_lines(sources, standard_input(), leave_out, "the standard input")
        elif _is_list(Path(word)):
            with Path(word).open("rb") as lines:
                _add_lines(sources, lines, leave_out, word)
        elif (camera := _CAMERA.fullmatch(word)) and not Path(word).is_file():
            sources.add_camera(int(camera[1]))
        elif glob.has_magic(word) and not exists and not is_address(word):
            _add_pattern(sources, word, leave_out)
        else:
            _add_path(sources, word, leave_out)
    return sources


def file_kind(path: Path) -> Literal["picture", "video"] | None:
    """What a file holds: by its first bytes, or by its suffix where those are not recognised.

    A damaged file is thus reported as the picture or video that its name promises.
    """
    suffix = path.suffix.lower()
    head = _read_head(path)
    if picture_format(head) is not None:
        return "picture"
    if _VIDEO.match(head) and head[8:12] not in _AUDIO_BRANDS and suffix not in _AUDIO_SUFFIXES:
        return "video"
    if suffix in VIDEO_SUFFIXES:
        return "video"
    return "picture" if suffix in PICTURE_SUFFIXES else None


def _read_head(path: Path) -> bytes:
    try:
        # A pipe would be waited for.
        if not stat.S_ISREG(path.stat().st_mode):
            return b""
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""


def _is_list(path: Path) -> bool:
    return path.suffix.lower() == LIST_SUFFIX and path.is_file() and file_kind(path) is None


def _add_lines(
    sources: Sources, lines: Iterable[bytes], leave_out: Path | None, named: str
) -> None:
    for number, line in enumerate(lines, start=1):
        if path := os.fsdecode(line).rstrip("\r\n"):
            _add_path(sources, path, leave_out, f", line {number} of {named},")


def _add_path(sources: Sources, name: str, leave_out: Path | None, where: str = "") -> None:
    path = Path(name)
    if is_address(name):
        sources.add_address(name)
    elif path.is_dir():
        sources.add_folder(path, leave_out)
    elif path.is_file():
        sources.add_file(path, path.parent, file_kind(path) or "picture")
    elif path.exists():
        reason = f"{name} is neither file nor folder; a camera is named by its number"
        sources.add_absent(name, reason)
    else:
        sources.add_absent(name, f"{name}{where} is absent")


def _add_pattern(sources: Sources, pattern: str, leave_out: Path | None) -> None:
    # Path's own glob refuses patterns that begin at the root.
    names = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207
    if not names:
        sources.add_absent(pattern, f"{pattern} matches no file")
    # Output names repeat the path from the first folder that has a pattern in its name.
    plain = Path(*_until_magic(Path(pattern).parts[:-1]))
    for name in names:
        path = Path(name)
        if path.is_dir():
            sources.add_folder(path, leave_out)
        else:
            sources.add_file(path, plain, file_kind(path) or "picture")


def _until_magic(parts: Iterable[str]) -> Iterator[str]:
    for part in parts:
        if glob.has_magic(part):
            return
        yield part


def _walk(
    folder: Path, leave_out: Path | None, on_error: Callable[[OSError], None]
) -> Iterator[Path]:
    """Files below a folder, by name; without hidden ones and without links to folders."""
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
