"""All files below a data set's folder, each of which a reader has to account for."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import TypeVar

from fer_det.core.expression import Expression, expression_of_word
from fer_det.core.picture import PictureFile, PictureSource
from fer_det.core.sample import LEFT_OUT, MADE_RECORD, Sample, Split
from fer_det.errors import DatasetFormatError, DatasetNotFoundError
from fer_det.io.remote import demand_local
from voc_builder.readers.class_names import names_no_expression
from voc_builder.readers.guess import looks_like
from voc_builder.readers.picture_index import is_picture, safe_id

T = TypeVar("T")

_LITTER = (
    ".ds_store thumbs.db ehthumbs.db desktop.ini __macosx .gitkeep .gitignore .git .dvc .dvcignore"
    " .ipynb_checkpoints .directory .localized .nomedia @eadir .trashes .fseventsd .spotlight-v100"
    " __pycache__"
)
LITTER = frozenset(_LITTER.split())
"""Files and folders, in lower case, that programs leave behind; names that begin with ._ too."""

VIDEOS = frozenset((".avi", ".mp4", ".mov", ".mpg", ".mpeg", ".mkv", ".wmv", ".webm", ".m4v"))
ARCHIVES = frozenset((".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz"))
DOCUMENTS = frozenset(
    (
        ".txt",
        ".md",
        ".pdf",
        ".doc",
        ".docx",
        ".rtf",
        ".html",
        ".htm",
        ".url",
        ".ini",
        ".log",
        ".bib",
        ".py",
        ".m",
    )
)
"""Suffixes of files that a name-based reader need not read."""

_MADE_FILES = (MADE_RECORD, "faces.jsonl")


class Tree:
    """The files below a folder, without litter, sorted by their parts.

    A reader takes the files that it reads and names those that it knows; `finish` refuses or
    reports the rest, so that nothing is skipped silently.

    title: the data set's usual name.  layout: what the folder should hold, for messages. Raises
    DatasetNotFoundError where the folder is absent, no folder, or empty.
    """

    def __init__(self, root: Path, title: str, layout: str) -> None:
        self.root = root
        self._title = title
        self._layout = layout
        remedy = "check the path, or complete the copy of the data set"
        if not root.exists():
            demand_local(root)
            raise DatasetNotFoundError(f"{root} is absent", layout, remedy)
        if not root.is_dir():
            raise DatasetNotFoundError(f"{root} is not a folder", layout, remedy)
        self._rest = dict.fromkeys(sorted(_walk(root), key=lambda path: path.parts))
        if not self._rest:
            raise DatasetNotFoundError(f"{root} is empty", layout, remedy)
        self._all = tuple(self._rest)

    @property
    def rest(self) -> list[PurePosixPath]:
        """The files that nobody has taken yet, relative to the root."""
        return list(self._rest)

    def take(self, accept: Callable[[PurePosixPath], T | None]) -> list[tuple[PurePosixPath, T]]:
        """The files for which `accept` returns something, with it; they are accounted for."""
        taken = [(path, found) for path in self._rest if (found := accept(path)) is not None]
        for path, _ in taken:
            del self._rest[path]
        return taken

    def take_pictures(self, pattern: str) -> list[tuple[PurePosixPath, re.Match[str]]]:
        """The pictures whose stems match the whole pattern, without regard to case."""
        compiled = re.compile(pattern, re.IGNORECASE)

        def accept(path: PurePosixPath) -> re.Match[str] | None:
            return compiled.fullmatch(path.stem) if is_picture(path) else None

        return self.take(accept)

    def take_named(self, pattern: str) -> list[tuple[PurePosixPath, re.Match[str]]]:
        """The files whose names match the whole pattern, without regard to case."""
        compiled = re.compile(pattern, re.IGNORECASE)
        return self.take(lambda path: compiled.fullmatch(path.name))

    def take_class_folders(self) -> list[tuple[PurePosixPath, Expression | None]]:
        """The pictures below folders that are named after expressions, with the expression.

        None for a folder such as "uncertain". Pictures elsewhere stay.
        """
        return [
            (path, expression)
            for path, (expression,) in self.take(
                lambda path: _expression_of_folders(path) if is_picture(path) else None
            )
        ]

    def know(self, pattern: str) -> None:
        """Account for files that need not be read: those whose whole path matches the pattern."""
        compiled = re.compile(pattern, re.IGNORECASE)
        self.take(lambda path: compiled.fullmatch(path.as_posix()))

    def restrict(self, folder: PurePosixPath) -> None:
        """Account for all files outside `folder`, which are another part of the data set."""
        self.take(lambda path: None if folder in path.parents else True)

    def picture(self, path: PurePosixPath) -> PictureFile:
        """The picture at a path relative to the root."""
        return PictureFile(self.root, path.as_posix())

    def left_out(
        self, dataset: str, path: PurePosixPath, reason: str, split: Split = "train"
    ) -> Sample:
        """The sample of a file that is not converted, with the reason."""
        return left_out(dataset, self.picture(path), reason, split)

    def finish(self, dataset: str) -> Iterator[Sample]:
        """Refuse the pictures that nobody took, and leave the other files out.

        Raises DatasetFormatError for a picture.
        """
        pictures = [path for path in self._rest if is_picture(path)]
        if pictures:
            raise DatasetFormatError(
                f"{len(pictures)} pictures below {self.root} are not named as {self._title} names"
                f" its pictures, the first is {pictures[0]}{_looks_like(pictures[0])}",
                self._layout,
                looks_like(self._all, self._title) or "rename them, or move them out of the folder",
            )
        for path in self._rest:
            if not _is_document(path):
                yield self.left_out(dataset, path, f"not a file of {self._title}")

    def not_found(self, found: str = "") -> DatasetNotFoundError:
        """The error of a folder that does not hold the data set, with what it holds."""
        packed = [path for path in self._all if path.suffix.lower() in ARCHIVES]
        shown = ", ".join(_top_entries(self._all))
        remedy = looks_like(self._all, self._title) or "check the path that was given"
        if packed:
            remedy = f"{packed[0]} may hold the pictures: unpack it"
        return DatasetNotFoundError(
            f"{found or f'{self.root} is not laid out as {self._title}'}; it holds {shown}",
            self._layout,
            remedy,
        )


def left_out(dataset: str, picture: PictureSource, reason: str, split: Split = "train") -> Sample:
    """The sample of a picture that is not converted, with the reason."""
    return Sample(
        sample_id=safe_id(dataset, picture.name),
        dataset=dataset,
        picture=picture,
        faces=(),
        split=split,
        attributes={LEFT_OUT: reason},
    )


def groups_in_two_splits(title: str, what: str, members: Iterable[tuple[str, Split]]) -> set[str]:
    """Groups with pictures in several of the published splits, which are kept; warns of them.

    They cannot be groups of samples, since a group is never divided.

    title: the data set's.  what: what the groups are, such as "films".  members: (group, split) of
    each picture.
    """
    splits: dict[str, set[Split]] = {}
    for group, split in members:
        splits.setdefault(group, set()).add(split)
    divided = {group for group, own in splits.items() if len(own) > 1}
    if divided:
        print(
            f"warning: {title}: {len(divided)} {what} are in more than one split of the data set,"
            f" {min(divided)} is one; the splits are kept as they are",
            file=sys.stderr,
        )
    return divided


def _expression_of_folders(path: PurePosixPath) -> tuple[Expression | None] | None:
    """By the nearest folder named after an expression, or as one without any."""
    for folder in path.parts[-2::-1]:
        expression = expression_of_word(folder)
        if expression is not None or names_no_expression(folder):
            return (expression,)
    return None


def _walk(root: Path) -> Iterator[PurePosixPath]:
    """Follows links to folders; one that leads back to a folder above it is not entered again."""
    seen = {os.path.realpath(root)}
    for folder, names, files in os.walk(root, followlinks=True):
        kept = []
        for name in names:
            place = Path(folder) / name
            real = os.path.realpath(place) if place.is_symlink() else None
            if not _is_litter(name) and real not in seen:
                kept.append(name)
                if real is not None:
                    seen.add(real)
        names[:] = kept
        base = PurePosixPath(Path(folder).relative_to(root).as_posix())
        yield from (base / name for name in files if not _is_litter(name))


def _is_litter(name: str) -> bool:
    return name.startswith("._") or name.lower() in LITTER


def _top_entries(paths: Iterable[PurePosixPath]) -> list[str]:
    """The first entries of the root, and "..." where there are more."""
    tops = list(
        dict.fromkeys(
            f"{path.parts[0]}/" if len(path.parts) > 1 else path.parts[0] for path in paths
        )
    )
    return tops[:6] + ["..."] * (len(tops) > 6) or ["nothing else"]


def _is_document(path: PurePosixPath) -> bool:
    words = ("readme", "read-me", "read_me", "license", "licence", "citation")
    named = path.name in _MADE_FILES or path.name.lower().startswith(words)
    return named or path.suffix.lower() in DOCUMENTS


def _looks_like(path: PurePosixPath) -> str:
    if re.search(r"flip|mirror|rotat|aug|copy|jitter|\(\d+\)", path.stem, re.IGNORECASE):
        return ", which looks like a changed copy of a picture"
    return ""
