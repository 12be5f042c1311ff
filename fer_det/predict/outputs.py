"""Plan the output files: no two of the same name, and none that replaces a source."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path, PurePath

from fer_det.errors import OutputError
from fer_det.io.remote import RemoteFile
from fer_det.predict.sources import SourceFile, Sources

JSONL, CSV = "predictions.jsonl", "predictions.csv"
PICTURE, VIDEO, TIMELINE, PAGE = ".jpg", ".mp4", ".timeline.png", ".html"

TRACK_TABLES = (TRACKS, PEOPLE, PARQUET) = ("tracks.csv", "people.csv", "tracks.parquet")
"""Of videos: faces in each frame, tracks, and the first once more where pyarrow is installed."""

LONGEST_NAME = 200
"""Bytes. File systems take 255, of which a temporary file needs some."""


@dataclass(frozen=True)
class Outputs:
    """The files of an output folder."""

    folder: Path
    pictures: dict[Path | RemoteFile, Path] = field(default_factory=dict)
    """Source -> drawn picture."""
    videos: dict[str, Path] = field(default_factory=dict)
    """Name of a video or camera -> annotated video."""
    tables: tuple[str, ...] = ()
    """Names of further tables, of videos."""

    @property
    def jsonl(self) -> Path:
        """The table with a line for each picture or frame."""
        return self.folder / JSONL

    @property
    def csv(self) -> Path:
        """The table with a line for each face."""
        return self.folder / CSV

    def all(self) -> Iterator[Path]:
        """Every file that may be written."""
        yield from (self.jsonl, self.csv, *self.pictures.values())
        yield from (self.folder / name for name in self.tables)
        for video in self.videos.values():
            yield from (video, timeline_path(video), page_path(video))


def timeline_path(video: Path) -> Path:
    """Where the timeline of an annotated video is written."""
    return video.with_suffix(TIMELINE)


def page_path(video: Path) -> Path:
    """Where the page of an annotated video is written."""
    return video.with_suffix(PAGE)


def plan_outputs(sources: Sources, folder: Path, draw: bool) -> Outputs:
    """Place each drawn file as its source is placed below the folder that all sources share.

    Remote sources are placed below the folder of bucket or host that all of them share.

    If two sources would get the same name, the later one keeps its suffix in it or is numbered.
    Names that differ only in case count as the same, as they do on some systems.
    """
    tables = TRACK_TABLES if sources.videos or sources.cameras else ()
    outputs = Outputs(folder, tables=tables)
    if not draw:
        return outputs
    names = _Names([*sources.pictures, *sources.videos])
    for each in sources.pictures:
        outputs.pictures[each.path] = folder / names.claim(each, (PICTURE,))
    cameras = [SourceFile(names.base / f"camera-{index}", names.base) for index in sources.cameras]
    labels = [f"camera {index}" for index in sources.cameras]
    labels = [*(str(each.path) for each in sources.videos), *labels]
    for label, file in zip(labels, [*sources.videos, *cameras], strict=True):
        outputs.videos[label] = folder / names.claim(file, (VIDEO, TIMELINE, PAGE))
    return outputs


def refuse_to_replace(outputs: Outputs, sources: Sources, overwrite: bool) -> None:
    """Raise OutputError if an output would replace a source, or any file without `overwrite`."""
    read = {_identity(each.path) for each in (*sources.pictures, *sources.videos)}
    for path in outputs.all():
        if not os.path.lexists(path):
            continue
        if _identity(path) in read:
            raise OutputError(
                f"{path} is a source and would be replaced",
                "an --out that holds no source of that name",
                "choose another --out",
            )
        if not overwrite:
            raise OutputError(
                f"{path} exists already",
                "an --out without files of these names",
                "choose another --out, or add --overwrite",
            )


class _Names:
    def __init__(self, files: Sequence[SourceFile]) -> None:
        homes = {_absolute(each.home) for each in files if isinstance(each.path, Path)}
        try:
            shared = os.path.commonpath(homes) if homes else Path.cwd()
        except ValueError:  # On several drives.
            shared = ""
        self.base = Path(shared)
        remote = {each.home.as_posix() for each in files if isinstance(each.path, RemoteFile)}
        self._remote_base = posixpath.commonpath(remote) if remote else ""
        relatives = [self._relative(each) for each in files]
        # A name is a folder's or a file's: of a.png and a.jpg/b.png only one is drawn to a.jpg.
        self._taken = {_key(parent) for each in relatives for parent in each.parents}
        self._taken |= {_key(PurePath(name)) for name in (JSONL, CSV, *TRACK_TABLES)}

    def claim(self, file: SourceFile, suffixes: tuple[str, ...]) -> PurePath:
        """A name with the first of the suffixes, free with all of them."""
        relative = self._relative(file)
        stems = chain(
            (_shortened(relative.stem), _shortened(relative.name)),
            (f"{_shortened(relative.name)}-{number}" for number in count(2)),
        )
        for stem in stems:
            # Not with_suffix, which would replace a part of the stem.
            wanted = [relative.with_name(stem + suffix) for suffix in suffixes]
            if self._taken.isdisjoint(_key(each) for each in wanted):
                self._taken.update(_key(each) for each in wanted)
                return wanted[0]
        raise AssertionError("numbers do not end")

    def _relative(self, file: SourceFile) -> PurePath:
        if isinstance(file.path, RemoteFile):
            return file.path.parts.relative_to(self._remote_base)
        if not self.base.parts:
            return PurePath(file.path.name)
        relative = PurePath(os.path.relpath(_absolute(file.path), self.base))
        # A link or a pattern may lead out of the folder that was named.
        return PurePath(relative.name) if ".." in relative.parts else relative


def _shortened(name: str) -> str:
    while len(os.fsencode(name)) > LONGEST_NAME:
        name = name[:-1]
    return name


def _key(path: PurePath) -> str:
    return path.as_posix().casefold()


def _absolute(path: Path) -> str:
    """The path as the user sees it, without following links."""
    return os.path.normpath(path.absolute())


def _identity(path: Path | RemoteFile) -> tuple[int, int] | str:
    """Equal for two names of one file."""
    if isinstance(path, RemoteFile):
        return str(path)
    try:
        status = path.stat()
    except OSError:
        return os.path.realpath(path)
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)
