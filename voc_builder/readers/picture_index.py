"""Pictures that a list names, and image ids made of names and paths."""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath

from fer_det.core.expression import expression_of_word
from fer_det.errors import DatasetFormatError
from voc_builder.readers.class_names import split_of_word

PICTURES = frozenset(
    (
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".bmp",
        ".tif",
        ".tiff",
        ".webp",
        ".ppm",
        ".pgm",
        ".pnm",
        ".gif",
        ".heic",
        ".avif",
        ".jp2",
    )
)
"""Suffixes of pictures, in lower case; whether one can be decoded is seen later."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_MAX_ID = 120


class PictureIndex:
    """Finds the pictures that a list names, whatever their folder, suffix and case."""

    def __init__(self, root: Path, paths: Iterable[PurePosixPath]) -> None:
        self._root = root
        self._by_path: dict[str, PurePosixPath] = {}
        self._by_stem: dict[str, list[PurePosixPath]] = {}
        for path in paths:
            self._by_path[path.as_posix().lower()] = path
            self._by_stem.setdefault(path.stem.lower(), []).append(path)

    def __len__(self) -> int:
        return len(self._by_path)

    def find(self, name: str, near: PurePosixPath | None = None) -> PurePosixPath | None:
        """The picture that a listed name or path means; None where it is absent.

        near: the folder of the list, which decides between pictures of one name. Raises
        DatasetFormatError where several pictures have that name.
        """
        wanted = PurePosixPath(name.replace("\\", "/").lower())
        exact = self._by_path.get(wanted.as_posix())
        if exact is not None:
            return exact
        stem = wanted.stem if wanted.suffix in PICTURES else wanted.name
        found = self._by_stem.get(stem, [])
        # Of pictures of one name, those whose path ends as the listed one does.
        ends = [path for path in found if path.as_posix().lower().endswith(f"/{wanted.as_posix()}")]
        found = ends or found
        if len(found) > 1 and near is not None:
            shared = {path: _shared_depth(path.parent, near) for path in found}
            found = [path for path in found if shared[path] == max(shared.values())]
        if len(found) > 1:
            raise DatasetFormatError(
                f"{name} is listed, and {found[0]} and {found[1]} below {self._root} have"
                " that name",
                "one picture for each listed name",
                "remove the copy, or list the path",
            )
        return found[0] if found else None


def is_picture(path: PurePosixPath) -> bool:
    """Whether the suffix is a picture's."""
    return path.suffix.lower() in PICTURES


def safe_id(dataset: str, text: str) -> str:
    """An image id from a path or name: the data set's name, then letters, digits, _ and -.

    A text that has to be changed gets a short hash of itself, so that two texts never share an id.
    """
    slug = _UNSAFE.sub("-", text).strip("-")[:_MAX_ID]
    if slug != text:
        slug = f"{slug}-{sha256(text.encode()).hexdigest()[:8]}"
    return f"{dataset}_{slug}"


def path_ids(dataset: str, paths: Sequence[PurePosixPath]) -> dict[PurePosixPath, str]:
    """An image id for each picture, made of its path below the folder that holds all of them.

    Paths that would share an id, as a-b/c.jpg and a/b-c.jpg, get a short hash as well.
    """
    start = _common_depth(paths)
    slugs = {
        path: _UNSAFE.sub("-", "-".join((*path.parts[start:-1], path.stem))).strip("-")
        for path in paths
    }
    counts = Counter(slug.lower() for slug in slugs.values())
    ids: dict[PurePosixPath, str] = {}
    for path, slug in slugs.items():
        unique = slug
        if not slug or len(slug) > _MAX_ID or counts[slug.lower()] > 1:
            own = "/".join(path.parts[start:])
            unique = f"{slug[:_MAX_ID]}-{sha256(own.encode()).hexdigest()[:8]}"
        ids[path] = f"{dataset}_{unique}"
    return ids


def _shared_depth(first: PurePosixPath, second: PurePosixPath) -> int:
    """How many folders two paths share from the root on."""
    pairs = zip(first.parts, second.parts, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _common_depth(paths: Sequence[PurePosixPath]) -> int:
    """How many folders all paths share, without those that name a split or an expression."""
    shared = os.path.commonpath([path.parent.as_posix() for path in paths] or ["."])
    folders = PurePosixPath(shared).parts
    for depth, folder in enumerate(folders):
        if split_of_word(folder) or expression_of_word(folder):
            return depth
    return len(folders)
