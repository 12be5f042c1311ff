"""Where each picture and video goes: no two to one place, and none over what is looked at."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path, PurePath

from fer_det.errors import OutputError
from fer_det.predict.sources import SourceFile, Sources

JSONL, CSV = "predictions.jsonl", "predictions.csv"
DRAWN, FILMED, TIMELINE = ".jpg", ".mp4", ".timeline.png"


@dataclass(frozen=True)
class Outputs:
    """The plan of an output folder."""

    folder: Path
    pictures: dict[Path, Path] = field(default_factory=dict)
    """Source -> drawn picture."""
    videos: dict[Path, Path] = field(default_factory=dict)
    """Source -> drawn video."""
    timelines: dict[Path, Path] = field(default_factory=dict)
    """Source -> its timeline."""
    cameras: dict[int, Path] = field(default_factory=dict)
    """Camera -> drawn video."""
    camera_timelines: dict[int, Path] = field(default_factory=dict)
    """Camera -> its timeline."""

    @property
    def jsonl(self) -> Path:
        """The table with a line a picture or frame."""
        return self.folder / JSONL

    @property
    def csv(self) -> Path:
        """The table with a line a face."""
        return self.folder / CSV

    def all(self) -> Iterator[Path]:
        """Every file that may be written."""
        yield from (self.jsonl, self.csv)
        plans = (self.pictures, self.videos, self.timelines)
        yield from chain.from_iterable(plan.values() for plan in plans)
        yield from (*self.cameras.values(), *self.camera_timelines.values())


def plan_outputs(sources: Sources, folder: Path, draw: bool) -> Outputs:
    """Lay out the drawn files as their sources lie, below the folder that all of them share.

    Of two sources that would have the same name the later keeps its suffix in it, or is numbered.
    Names that differ only in case count as the same, as they do on some systems.
    """
    outputs = Outputs(folder)
    if not draw:
        return outputs
    files = [*sources.pictures, *sources.videos]
    names = _Names(files)
    for each in sources.pictures:
        outputs.pictures[each.path] = folder / names.claim(each, (DRAWN,))
    for each in sources.videos:
        name = names.claim(each, (FILMED, TIMELINE))
        outputs.videos[each.path] = folder / name
        outputs.timelines[each.path] = folder / name.with_suffix(TIMELINE)
    for index in sources.cameras:
        camera = SourceFile(names.base / f"camera-{index}", names.base)
        name = names.claim(camera, (FILMED, TIMELINE))
        outputs.cameras[index] = folder / name
        outputs.camera_timelines[index] = folder / name.with_suffix(TIMELINE)
    return outputs


def refuse_to_replace(outputs: Outputs, sources: Sources, overwrite: bool) -> None:
    """Raise OutputError where an output would replace a source, or any file unless told to."""
    looked_at = {_identity(each.path) for each in (*sources.pictures, *sources.videos)}
    for path in outputs.all():
        if not os.path.lexists(path):
            continue
        if _identity(path) in looked_at:
            raise OutputError(
                f"{path} is looked at and would be replaced",
                "an --out that holds no source of that name",
                "choose another --out",
            )
        if not overwrite:
            raise OutputError(
                f"{path} is there already",
                "an --out without files of these names",
                "choose another --out, or add --overwrite",
            )


class _Names:
    def __init__(self, files: Sequence[SourceFile]) -> None:
        homes = {_absolute(each.home) for each in files}
        try:
            shared = os.path.commonpath(homes) if homes else Path.cwd()
        except ValueError:  # On several drives.
            shared = ""
        self.base = Path(shared)
        relatives = [self._relative(each) for each in files]
        # A folder's name is no file's: of a.png and a.jpg/b.png only one can be drawn to a.jpg.
        self._taken = {_key(parent) for each in relatives for parent in each.parents}
        self._taken |= {_key(PurePath(name)) for name in (JSONL, CSV)}

    def claim(self, file: SourceFile, suffixes: tuple[str, ...]) -> PurePath:
        """A free name, ending in the first of the suffixes, that is free with all of them."""
        relative = self._relative(file)
        names = chain(
            (relative.stem, relative.name),
            (f"{relative.name}-{number}" for number in count(2)),
        )
        for name in names:
            # Not with_suffix, which would take the name's own for one.
            wanted = [relative.with_name(name + suffix) for suffix in suffixes]
            if self._taken.isdisjoint(_key(each) for each in wanted):
                self._taken.update(_key(each) for each in wanted)
                return wanted[0]
        raise AssertionError("numbers do not end")

    def _relative(self, file: SourceFile) -> PurePath:
        if not self.base.parts:
            return PurePath(file.path.name)
        relative = PurePath(os.path.relpath(_absolute(file.path), self.base))
        # A link or a pattern may lead out of the folder that was named.
        return PurePath(relative.name) if ".." in relative.parts else relative


def _key(path: PurePath) -> str:
    return path.as_posix().casefold()


def _absolute(path: Path) -> str:
    """Without following links, which would lead away from where the user sees the file."""
    return os.path.normpath(path.absolute())


def _identity(path: Path) -> tuple[int, int] | str:
    """What two names of one file have in common."""
    try:
        status = path.stat()
    except OSError:
        return os.path.realpath(path)
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)
